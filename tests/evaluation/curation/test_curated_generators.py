"""Pairs of a trial's own generators, curated on the way: drawn more, kept, counted."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from segmint.data.dataset import open_dataset
from segmint.data.excerpt import write_excerpt
from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.evaluation import generator
from segmint.evaluation.curation.curate import NothingKept
from segmint.evaluation.gate import GateOrders
from segmint.evaluation.generator import GeneratorOrders, check_kept, draw_pairs, kept_pairs, to_draw
from segmint.evaluation.trial import trial
from segmint.training.run_folder import RunFolder


def draw(run: Path, folder: Path, *, pairs: int, curated: int = 0, curate: bool = False) -> None:
    if not folder.exists():
        shutil.copytree(run, folder / "run")
    parts = RunFolder(run).config["split"]
    split = Split(tuple(parts["train"]), tuple(parts["validation"]), tuple(parts["test"]))
    draw_pairs(
        GeneratorOrders("joint-stylegan2", curate=curate), run.parent / "discs", split=split, subset=None, size=32, axis=None,
        seed=0, pairs=pairs, curated=curated, folder=folder, steps=4, batch=4, device="cpu", progress=False,
    )  # fmt: skip


def test_more_are_drawn_and_what_is_kept_says_so(discs_run: Path, tmp_path: Path) -> None:
    folder, parts = tmp_path / "seed0", RunFolder(discs_run).config["split"]
    draw(discs_run, folder, pairs=4, curate=True)
    path = folder / "synthetic"
    assert len(open_dataset(folder / "drawn").cases) == to_draw(4) == 6
    made = open_dataset(path).provenance
    assert made is not None
    assert {subject for _, subject in made.selected_on} == set(parts["validation"])
    written = (path / "curation.json").stat().st_mtime_ns
    draw(discs_run, folder, pairs=4, curate=True)
    assert (path / "curation.json").stat().st_mtime_ns == written, "what is there is not made again"
    check_kept(path, needed=6)
    with pytest.raises(UserError, match="curation kept 6 pairs, and the arms take 7"):
        check_kept(path, needed=7)


def test_curated_pairs_lie_beside_all_that_were_drawn(discs_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "seed0"
    draw(discs_run, folder, pairs=2, curated=4)
    assert len(open_dataset(folder / "synthetic").cases) == to_draw(4)
    assert kept_pairs(folder) == len(open_dataset(folder / "curated").cases) >= 4
    assert not (folder / "drawn").exists(), "the first pairs were enough"


@pytest.mark.parametrize(("kept", "drawn"), [((3, 9), 16), ((0, 2), 16), ((0, 0), 16), ((4, 0), 6)])
def test_more_are_drawn_where_curation_leaves_too_few(
    discs_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: tuple[int, int], drawn: int
) -> None:
    """What curation leaves of the first and of the second set of pairs is fixed here."""
    judged: list[int] = []

    def curating(_: Path, pairs: Path, *, out: Path, **__: Any) -> None:
        judged.append(len(open_dataset(pairs).cases))
        left = kept[len(judged) - 1]
        if not left:
            raise NothingKept("nothing")
        write_excerpt(open_dataset(pairs), open_dataset(pairs).cases[:left], fresh(out), name="kept", provenance=None)

    def fresh(out: Path) -> Path:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        return out

    monkeypatch.setattr(generator, "curate", curating)
    folder = tmp_path / "seed0"
    draw(discs_run, folder, pairs=0, curated=4)
    assert judged[-1] == drawn
    assert kept_pairs(folder) == (max(kept) if judged[-1] > 6 else kept[0])
    count = len(judged)
    draw(discs_run, folder, pairs=0, curated=4)
    assert len(judged) == count, "what is there is not made again, however few"


def test_orders_of_trials_begun_before_stay_the_same() -> None:
    assert "curate" not in GeneratorOrders("joint-stylegan2").as_json()
    assert GeneratorOrders("joint-stylegan2", curate=True).as_json()["curate"] is True


def test_the_gate_and_the_trial_judge_the_same_kind_of_pairs(real: Path, synthetic: Path, tmp_path: Path) -> None:
    def refused(path: Path, *, curate: bool, sentence: str) -> None:
        options: dict[str, Any] = {
            "arms": ("100R", "gate"),
            "size": 16,
            "gate": GateOrders(shares=(100,)),
            "progress": False,
        }
        with pytest.raises(UserError, match=sentence):
            trial(
                real, path, out=tmp_path / "out", generator=GeneratorOrders("joint-stylegan2", curate=curate), **options
            )
        assert not (tmp_path / "out").exists()

    refused(synthetic, curate=True, sentence="is not curated, and the gate would judge pairs that are: give --curate")
    kept = tmp_path / "kept"
    shutil.copytree(synthetic, kept)
    (kept / "curation.json").write_text("{}")
    refused(kept, curate=False, sentence="is curated, and the gate would judge pairs that are not: give --curate")
