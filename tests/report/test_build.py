"""The page as a whole: one file, nothing from outside, every string escaped, missing parts said."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from segmint.errors import UserError
from segmint.report.build import build_report

VOID = {"meta", "img", "br", "hr", "input", "link"}
REFERRING = {"src", "href", "srcset", "action", "data", "poster", "cite"}


class Page(HTMLParser):
    """Tags balanced, references and ids collected, visible text joined."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        self._collect(attributes)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._collect(attributes)

    def _collect(self, attributes: list[tuple[str, str | None]]) -> None:
        self.references += [value or "" for name, value in attributes if name in REFERRING]
        self.ids += [value or "" for name, value in attributes if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)


def page_of(folder: Path) -> tuple[str, Page]:
    source = build_report(folder).read_text(encoding="utf-8")
    return source, Page(source)


@pytest.fixture(scope="module")
def whole(make_workflow: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Page]:
    """The page of a folder that holds everything; drawn once, since drawing takes seconds."""
    return page_of(make_workflow(tmp_path_factory.mktemp("whole") / "out"))


def test_the_page_refers_to_nothing_outside_itself(whole: tuple[str, Page]) -> None:
    source, page = whole
    assert page.references
    outside = [ref for ref in page.references if not ref.startswith(("#", "data:image/png;base64,"))]
    assert outside == []
    assert "http://" not in source
    assert "https://" not in source
    assert "@import" not in source
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    addresses = re.findall(r"url\(([^)]*)\)", source)
    assert all(address.startswith("#") for address in addresses)


def test_every_anchor_leads_somewhere_and_no_id_is_given_twice(whole: tuple[str, Page]) -> None:
    _, page = whole
    anchors = {ref[1:] for ref in page.references if ref.startswith("#")}
    assert anchors <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_the_whole_road_is_told(whole: tuple[str, Page]) -> None:
    _, page = whole
    text = page.text
    for said in (
        "Do synthetic pairs help to segment phantom?",
        "Helps",
        "mean Dice rises by 3.1 points",
        "all real slices + 3 times as many synthetic",
        "400 real + 1 200 synthetic slices",
        "enhancing tumour",
        "mode collapse",
        "6 times, from 7 to 12 kimg",
        "Stop earlier.",
        "20 subjects",
        "every slice has a label map",
        "segmint train joint-stylegan2 data/phantom --out out/run",
        "conditional on the one synthetic set",
        "not a medical device",
        "a processor",
        "3 images hold one value only.",
    ):
        assert said in text, said
    assert "A demonstration, not evidence." not in text


def test_a_demonstration_says_that_it_is_no_evidence(make_workflow: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_workflow(tmp_path / "demo", demonstration=True)
    shutil.rmtree(folder / "run")
    shutil.rmtree(folder / "trial")
    _, page = page_of(folder)
    assert "A demonstration, not evidence." in page.text


def test_verdict_comes_before_everything_else(whole: tuple[str, Page]) -> None:
    source, _ = whole
    assert source.index("mean Dice rises by 3.1 points") < source.index("<table") < source.index("base64")


def test_a_run_alone(run_folder: Path) -> None:
    _, page = page_of(run_folder)
    assert "Training joint-stylegan2 on phantom" in page.text
    assert "No verdict" in page.text
    assert "holds no finished trial" in page.text
    assert "commands were not recorded" in page.text
    assert "thousand images in 8 min" in page.text


def test_single_pixels_that_a_stage_learns_from_do_not_count_as_images(run_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "learnt"
    shutil.copytree(run_folder, folder)
    lines = (folder / "log.jsonl").read_text().splitlines()
    _, before = page_of(folder)
    pixels = {
        **json.loads(lines[-1]),
        "stage": "01-interpreter",
        "images": 256_000,
        "kimg": 256.0,
        "unit": "px",
        "seconds": 60,
    }
    (folder / "log.jsonl").write_text("\n".join([*lines, json.dumps(pixels)]) + "\n")
    _, page = page_of(folder)
    (images,) = re.findall(r"after ([\d.]+) thousand images in 8 min \(([\d.]+) images a second\)", before.text)
    assert f"after {images[0]} thousand images in 9 min ({images[1]} images a second)" in page.text
    assert "thousand pixels shown" in page.text


def test_a_trial_alone(make_trial: Callable[..., Path], trial: dict[str, Any], tmp_path: Path) -> None:
    _, page = page_of(make_trial(tmp_path / "trial", {**trial, "scores": [], "curves": {}, "arms": trial["arms"][:1]}))
    assert "mean Dice rises by 3.1 points" in page.text
    assert "This folder holds no run" in page.text
    assert "out/run" in page.text
    assert "holds no sample grids" in page.text


def test_a_trial_that_is_not_finished(tmp_path: Path) -> None:
    (tmp_path / "trial" / "cells" / "100R-seed0").mkdir(parents=True)
    _, page = page_of(tmp_path / "trial")
    assert "not finished (1 cell begun)" in page.text


def test_a_run_before_its_first_tick(run_folder: Path) -> None:
    (run_folder / "log.jsonl").write_text("")
    shutil.rmtree(run_folder / "previews")
    _, page = page_of(run_folder)
    assert "not reached its first tick" in page.text
    assert "holds no sample grids" in page.text


HOSTILE = "<script>alert(1)</script>&\"'$x^2$_{y}\x07"


def hostile(value: Any) -> Any:
    """The same JSON with every free text hostile."""
    if isinstance(value, dict):
        return {(HOSTILE if key in ("oedema",) else key): hostile(each) for key, each in value.items()}
    if isinstance(value, list):
        return [hostile(each) for each in value]
    keep = ("100", "brain", "helps", "done", "running", "lower", "00-joint")
    return HOSTILE + value if isinstance(value, str) and not value.startswith(keep) else value


def test_strings_of_the_user_are_escaped_everywhere(workflow_folder: Path) -> None:
    for path in workflow_folder.rglob("*.json"):
        path.write_text(json.dumps(hostile(json.loads(path.read_text()))))
    log = workflow_folder / "run" / "log.jsonl"
    log.write_text("".join(json.dumps(hostile(json.loads(line))) + "\n" for line in log.read_text().splitlines()))
    source, page = page_of(workflow_folder)
    assert "<script" not in source
    assert "alert(1)" in page.text
    assert "script" not in page.tags


def test_numbers_that_are_missing_are_said_not_drawn(
    make_trial: Callable[..., Path], trial: dict[str, Any], tmp_path: Path
) -> None:
    for arm in trial["arms"]:
        arm["mean"], arm["interval"], arm["ratio_to_real"], arm["difference_to_real"] = None, [None, None], None, None
        arm["labels"] = {name: {"mean": None, "interval": [None, None]} for name in arm["labels"]}
    trial["scores"] = [{**score, "dice": None} for score in trial["scores"]]
    trial |= {"primary": None, "curves": {}, "converged": None, "convergence_gain_points": None}
    trial["verdict"] = {"kind": "descriptive", "sentence": "Descriptive, no verdict."}
    _, page = page_of(make_trial(tmp_path / "t", trial))
    assert "not measured" in page.text
    assert "nan" not in page.text.lower().split()


@pytest.mark.parametrize(("augment", "said"), [([], "none"), (["strong", "cutmix"], "strong and cutmix")])
def test_augmentation_is_told_where_there_is_none_too(
    make_trial: Callable[..., Path], trial: dict[str, Any], tmp_path: Path, augment: list[str], said: str
) -> None:
    _, page = page_of(make_trial(tmp_path / "t", {**trial, "augment": augment}))
    assert f"(augmentation of all of them: {said})" in page.text
    assert f"Augmentation of every arm {said}" in page.text
    assert f"the same augmentation ({said}) in every arm" in page.text


def test_convergence_is_told_by_arm(make_trial: Callable[..., Path], trial: dict[str, Any], tmp_path: Path) -> None:
    _, page = page_of(make_trial(tmp_path / "earlier", trial))
    assert (
        "in points: 100R +0.2; above +0.5 an arm has not converged. By 100R the trial counts as converged." in page.text
    )
    trial["convergence"] = {
        "100R": {"gain_points": 0.21, "converged": True, "judged": True},
        "100F": {"gain_points": 0.1, "converged": True, "judged": False},
        "100R+300F": {"gain_points": 1.4, "converged": False, "judged": True},
    }
    _, page = page_of(make_trial(tmp_path / "t", {**trial, "converged": False}))
    assert "100R+300F +1.4 (not converged)" in page.text
    assert "By 100R and 100R+300F the trial counts as not converged." in page.text


def test_what_the_gate_chose_is_told(make_trial: Callable[..., Path], trial: dict[str, Any], tmp_path: Path) -> None:
    trial["gate"] = {
        "chosen": "100R",
        "sentence": "The gate added no synthetic pairs.",
        "subjects": 12,
        "confidence": 0.975,
        "candidates": [
            {"arm": "100R+25F", "gain": 0.012, "interval": [-0.01, 0.031]},
            {"arm": "100R+300F", "gain": -0.05, "interval": [None, None]},
        ],
    }
    _, earlier = page_of(make_trial(tmp_path / "earlier", trial))
    assert "100R+25F: +1.2 points (97.5% interval −1.0 to +3.1)" in earlier.text
    trial["gate"]["candidates"][0]["false_alarms"] = {"difference": 0.25, "interval": [0.1, 0.4]}
    trial["gate"]["candidates"][1]["false_alarms"] = None
    trial["gate"]["convergence"] = {"100R+25F": {"gain_points": 0.9, "converged": False, "judged": True}}
    trial["verdict"] = {"kind": "none added", "sentence": "The gate added no synthetic pairs."}
    _, page = page_of(make_trial(tmp_path / "t", trial))
    assert "No pairs added" in page.text
    assert (
        "100R+25F: +1.2 points (97.5% interval −1.0 to +3.1); labels found where a subject does not have them: +25.0 percent"
        " (95% interval +10.0 to +40.0)"
    ) in page.text
    assert "100R+300F: −5.0 points" in page.text
    assert "in points: 100R+25F +0.9 (not converged)" in page.text


def test_pairs_kept_and_dropped_are_shown(workflow_folder: Path) -> None:
    assert "Kept and dropped" not in page_of(workflow_folder)[1].text
    (workflow_folder / "synthetic").mkdir(exist_ok=True)
    shutil.copyfile(
        workflow_folder / "run" / "previews" / "reals.png", workflow_folder / "synthetic" / "kept_and_dropped.png"
    )
    assert "Kept and dropped" in page_of(workflow_folder)[1].text


def test_an_older_page_is_replaced(run_folder: Path) -> None:
    (run_folder / "log.jsonl").write_text("")
    (run_folder / "report.html").write_text("old")
    source, _ = page_of(run_folder)
    assert source.startswith("<!DOCTYPE html>")
    assert sorted(path.name for path in run_folder.iterdir() if "partial" in path.name) == []


@pytest.mark.parametrize("content", [None, "{", "[1]"])
def test_what_cannot_be_reported_is_one_sentence(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "trial.json").write_text(content)
    with pytest.raises(UserError):
        build_report(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_a_damaged_picture_is_named(run_folder: Path) -> None:
    picture = run_folder / "previews" / "fakes_000012.png"
    picture.write_bytes(picture.read_bytes()[:100])
    with pytest.raises(UserError, match="fakes_000012"):
        build_report(run_folder)
