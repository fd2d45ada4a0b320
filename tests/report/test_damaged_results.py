"""Results that are not as segmint writes them: one sentence that names the file, never a traceback; our own defects show."""

from __future__ import annotations

import copy
import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.report.test_alignment import write_evaluation as write_alignment
from tests.report.test_curation import write_curation
from tests.report.test_curve import CURVE
from tests.report.test_fidelity import write_evaluation as write_fidelity
from tests.report.test_masks import write_evaluation as write_masks
from tests.report.test_privacy import write_evaluation as write_privacy

from segmint.errors import UserError
from segmint.evaluation.mask_findings import MEASURE_WORDS
from segmint.outputs import write_json
from segmint.report.build import build_report, render
from segmint.report.material import gather
from segmint.report.stored.evaluation import Shapes

ABSENT = object()
STRANGE = [
    None, True, -1, 0, 3, 1e300, -1e38, 1e-320, 10**20, 10**400, float("nan"), float("inf"), "x", "1.5", "../x", "", [], {}, [None],
    [1, 2], [[1, 2]], {"a": 1}, {"a": None}, ABSENT,
]  # fmt: skip


def without_pictures(run: Path) -> None:
    shutil.rmtree(run / "previews")


@pytest.fixture(scope="module")
def results(make_workflow: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of each kind of result."""
    root = tmp_path_factory.mktemp("results")
    whole = make_workflow(root / "whole")
    without_pictures(whole / "run")
    shutil.copytree(whole / "run", root / "run")
    (root / "run" / "log.jsonl").write_text("")
    (root / "road").mkdir()
    for name in ("steps.json", "inspection.json"):
        shutil.copyfile(whole / name, root / "road" / name)
    write_alignment(root / "alignment", findings=True)
    write_privacy(root / "privacy", finding=True)
    write_masks(root / "masks")
    write_fidelity(root / "fidelity", finding=True)
    write_curation(root / "curated")
    (root / "curve").mkdir()
    write_json(root / "curve" / "curve.json", CURVE)
    return root


def put(content: Any, keys: tuple[str | int, ...], value: Any) -> Any:
    """A copy with another value in one place, or without it."""
    if not keys:
        return copy.deepcopy(value)
    content = copy.deepcopy(content)
    at = content
    for key in keys[:-1]:
        at = at[key]
    if value is ABSENT:
        del at[keys[-1]]
    else:
        at[keys[-1]] = copy.deepcopy(value)
    return content


@pytest.mark.parametrize(
    ("folder", "name", "keys", "value"),
    [
        ("road", "steps.json", ("steps", 0, "command"), ABSENT),
        ("road", "steps.json", ("steps",), "train"),
        ("road", "inspection.json", ("sizes", "smallest"), 64),
        ("road", "inspection.json", ("labels", 0, "share"), "much"),
        ("road", "inspection.json", ("problems",), ABSENT),
        ("run", "config.json", ("size",), "32"),
        ("run", "config.json", ("labels_seen", 0), "a subject"),
        ("run", "config.json", ("dataset", "label_names"), 3),
        ("run", "config.json", ("settings",), ["r1_gamma"]),
        ("whole", "trial/trial.json", ("arms",), ABSENT),
        ("whole", "trial/trial.json", ("arms", 0, "mean"), "high"),
        ("whole", "trial/trial.json", ("arms", 1, "interval"), [0.5]),
        ("whole", "trial/trial.json", ("curves", "100R", 0, 0), [500]),
        ("whole", "trial/trial.json", ("curves", "100R", 0, 0), [None, 0.5]),
        ("whole", "trial/trial.json", ("primary", "comparison"), ABSENT),
        ("whole", "trial/trial.json", ("metrics",), {"hd95": {"arms": {}, "unit": "mm"}}),
        ("whole", "trial/trial.json", ("gate",), {"sentence": "It chose.", "confidence": 0.95, "candidates": [{}]}),
        ("privacy", "evaluation.json", ("privacy", "pixels", "copies", "share"), None),
        ("privacy", "evaluation.json", ("privacy", "nearest", 0, "similarity"), "near"),
        ("privacy", "evaluation.json", ("privacy", "picture"), "../../secret.png"),
        ("privacy", "evaluation.json", ("privacy",), "none"),
        ("alignment", "evaluation.json", ("alignment", "labels", "lesion", "ratio"), ABSENT),
        ("alignment", "evaluation.json", ("alignment", "findings", 0, "advice"), ABSENT),
        ("alignment", "evaluation.json", ("alignment", "seconds", "training"), "long"),
        ("masks", "evaluation.json", ("masks", "labels", "lesion", "holes"), None),
        ("masks", "evaluation.json", ("masks", "holdout", "labels"), {}),
        ("fidelity", "evaluation.json", ("fidelity", "measures", 0, "metric"), "beauty"),
        ("fidelity", "evaluation.json", ("fidelity", "metrics", "precision", "direction"), "up"),
        ("fidelity", "evaluation.json", ("fidelity", "spectra", "power"), {}),
        ("fidelity", "evaluation.json", ("fidelity", "histograms", "T1", "image", "real"), [0.5, 0.5]),
        ("fidelity", "evaluation.json", ("fidelity", "spectra", "cycles_a_pixel"), [0.1]),
        ("curve", "curve.json", ("points", 0), ABSENT),
        ("curve", "curve.json", ("labelled",), []),
        ("curve", "curve.json", ("labelled", 0, "subjects"), 0),
        ("curated", "synthetic/curation.json", ("pictures", 0), "/etc/passwd"),
        ("curated", "synthetic/curation.json", ("thresholds", "vessel"), {"bands": []}),
    ],
)
def test_the_file_and_the_entry_are_named(
    folder: str, name: str, keys: tuple[str | int, ...], value: Any, results: Path, tmp_path: Path
) -> None:
    place = Path(shutil.copytree(results / folder, tmp_path / "damaged"))
    file = place / name
    file.write_text(json.dumps(put(json.loads(file.read_text()), keys, value)))
    with pytest.raises(UserError, match=r"is not as segmint writes it \(.*make it anew, with the command") as caught:
        build_report(place)
    assert str(caught.value).startswith(f"{file} ")
    assert not (place / "report.html").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"losses": {}}', r'line 2 is not as segmint writes it \("kimg"'),
        ("[1, 2]", "line 2 is not as segmint writes it"),
        ('{"kimg": 1, "losses": {"generator": 3}}', "line 2 is not as segmint writes it"),
        ('{"kimg": 1, "health": ["bad"]}', "line 2 is not as segmint writes it"),
        ('{"kimg": 1, "stage": "\\ud800"}', "line 2 is not JSON"),
    ],
)
def test_the_line_of_a_log_is_named(line: str, said: str, run_folder: Path) -> None:
    log = run_folder / "log.jsonl"
    lines = log.read_text().splitlines()
    log.write_text("\n".join([lines[0], line, *lines[2:]]))
    with pytest.raises(UserError, match=said) as caught:
        build_report(run_folder)
    assert str(log) in str(caught.value)


def test_losses_that_are_no_finite_number_are_a_training_of_ours(run_folder: Path) -> None:
    log = run_folder / "log.jsonl"
    ticks = [json.loads(line) for line in log.read_text().splitlines()]
    ticks[-1]["losses"]["generator"]["adversarial"] = float("nan")
    ticks[-1]["validation"]["value"] = float("inf")
    log.write_text("".join(json.dumps(tick) + "\n" for tick in ticks))
    assert "best: inf" not in build_report(run_folder).read_text(encoding="utf-8")


def test_a_defect_of_the_page_shows_as_itself(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segmint.report.privacy.share_cells", lambda one: [one["of ours"]])
    with pytest.raises(KeyError, match="of ours"):
        build_report(results / "privacy")
    assert not (results / "privacy" / "report.html").exists()


def test_every_measure_of_shapes_is_looked_at() -> None:
    assert set(Shapes.model_fields) == set(MEASURE_WORDS)


def places(content: Any, keys: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield keys
    inner: list[Any] = []
    if isinstance(content, dict):
        inner = list(content)
    elif isinstance(content, list):
        inner = list(range(len(content)))
    for key in inner:
        yield from places(content[key], (*keys, key))


def spoil(folder: Path, name: str, chances: random.Random, *, times: int) -> int:
    """Put strange values into one file, one at a time; whatever is accepted must make a page. Returns how often one was."""
    file = folder / name
    whole = file.read_text()
    lines = whole.splitlines()
    content = json.loads(lines[0] if name.endswith(".jsonl") else whole)
    everywhere, accepted = list(places(content)), 0
    for _ in range(times):
        keys, value = chances.choice(everywhere), chances.choice(STRANGE)
        changed = json.dumps(put(content, keys, value)) if keys or value is not ABSENT else ""
        file.write_text("\n".join([changed, *lines[1:]]) if name.endswith(".jsonl") else changed)
        try:
            render(gather(folder))
        except UserError:
            continue
        except Exception as error:
            raise AssertionError(f"{file}: {value!r} at {keys}") from error
        accepted += 1
    file.write_text(whole)
    return accepted


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("road", "steps.json"), ("road", "inspection.json"), ("run", "config.json"), ("run", "environment.json"),
        ("run", "state.json"), ("privacy", "evaluation.json"), ("alignment", "evaluation.json"),
        ("curated", "synthetic/curation.json"),
    ],
)  # fmt: skip
def test_strange_values_are_refused_or_shown(folder: str, name: str, results: Path, tmp_path: Path) -> None:
    place = Path(shutil.copytree(results / folder, tmp_path / "strange"))
    assert spoil(place, name, random.Random(0), times=8)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("whole/run", "log.jsonl"), ("whole/trial", "trial.json"), ("masks", "evaluation.json"), ("curve", "curve.json"),
        ("fidelity", "evaluation.json"),
    ],
)  # fmt: skip
def test_strange_values_are_refused_or_drawn(folder: str, name: str, results: Path, tmp_path: Path) -> None:
    place = Path(shutil.copytree(results / folder, tmp_path / "strange"))
    assert spoil(place, name, random.Random(0), times=60)
