"""The lines below the verdict: each state of each, from sections as they are stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from segmint.outputs import write_json
from segmint.report.build import build_report
from segmint.report.material import Material, gather
from segmint.report.overview import Line, make_overview

FINDING = {"code": "copies of training images", "message": "5 of 100.", "advice": "Leave them out."}
NOTHING: dict[str, Any] = {"findings": [], "sentences": [], "notes": []}
RATES = {
    "threshold": 3.0,
    "copies": {"share": 0.0},
    "false_positives": {"share": 0.0},
    "excess": {"share": 0.0, "interval": [-0.01, 0.012]},
}
ESTIMATE = {"value": 0.5, "interval": [0.4, 0.6]}
MEMBERSHIP = {"auc": ESTIMATE, "control": ESTIMATE, "excess": ESTIMATE, "underpowered": False}
PRIVACY = NOTHING | {"pixels": RATES, "features": {}, "membership": MEMBERSHIP, "nearest": []}
SHAPE = {"real": [0.0, 0.1, 0.2], "drawn": [0.0, 0.1, 0.2], "inside": 1.0, "p_value": 0.5}
SHAPES = dict.fromkeys(("area_share", "components", "holes", "skeleton_length", "branch_points"), SHAPE)
MASKS = NOTHING | {"labels": {"lesion": SHAPES}}
DICE = {"dice": 0.8, "interval": [0.7, 0.9]}


def alignment(value: float | None, low: float | None, high: float | None, **changes: Any) -> dict[str, Any]:
    mean = {"synthetic": DICE, "holdout": DICE, "ratio": {"value": value, "interval": [low, high]}}
    return NOTHING | {"mean": mean, "labels": {"lesion": mean}, "examples": []} | changes


def material(folder: Path, **sections: Any) -> Material:
    folder.mkdir(exist_ok=True)
    write_json(
        folder / "evaluation.json", {"format": 1, "real": {"name": "phantom", "identity": "phantom-0"}, **sections}
    )
    return gather(folder)


def line(folder: Path, name: str, **sections: Any) -> Line:
    return {one.name: one for one in make_overview(material(folder, **sections))}[name]


def test_four_questions_each_with_the_section_that_tells_more(tmp_path: Path) -> None:
    found = make_overview(material(tmp_path / "one", masks=MASKS))
    assert [(one.name, one.anchor, one.kind) for one in found] == [
        ("Benefit", "trial", "absent"),
        ("Leakage", "privacy", "absent"),
        ("Fidelity", "masks", "good"),
        ("Alignment", "alignment", "absent"),
    ]
    page = build_report(tmp_path / "one").read_text(encoding="utf-8")
    for one in found:
        assert f'<a href="#{one.anchor}">{one.name}</a>' in page
        assert f'id="{one.anchor}"' in page
        assert one.state in page


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        (
            {},
            "good",
            "At most 1.2% more copies that this search recognises than by chance (95% confidence); membership is not shown."
            " No guarantee.",
        ),
        ({"findings": [FINDING]}, "wrong", "Copies of training images."),
        ({"pixels": {"threshold": None}}, "open", "There are too few held-out images"),
        ({"pixels": {"threshold": None}, "identical": 0}, "open", "None is a training image but for noise. There are"),
        ({"membership": None}, "good", "membership was not tested"),
        ({"membership": MEMBERSHIP | {"underpowered": True}}, "good", "too weak to tell"),
    ],
)
def test_leakage(tmp_path: Path, changes: dict[str, Any], kind: str, said: str) -> None:
    found = line(tmp_path, "Leakage", privacy=PRIVACY | changes)
    assert found.kind == kind
    assert said in found.said


@pytest.mark.parametrize(
    ("section", "kind", "said"),
    [
        (alignment(0.98, 0.93, 1.02), "good", "98% as well as real ones do (95% interval 93% to 102%)"),
        (alignment(0.93, 0.8, 1.02), "open", "93% as well"),
        (alignment(None, None, None), "open", "too few, to hold it against"),
        (
            alignment(0.5, 0.4, 0.6, findings=[FINDING | {"code": "masks off the images"}]),
            "wrong",
            "Masks off the images.",
        ),
    ],
)
def test_alignment(tmp_path: Path, section: dict[str, Any], kind: str, said: str) -> None:
    found = line(tmp_path, "Alignment", alignment=section)
    assert found.kind == kind
    assert said in found.said


def test_fidelity_is_that_of_images_and_masks_and_leads_to_what_is_wrong(tmp_path: Path) -> None:
    untested = MASKS | {"labels": {"lesion": {name: SHAPE | {"p_value": None} for name in SHAPES}}}
    assert line(tmp_path, "Fidelity", masks=untested).kind == "open"
    wrong = line(tmp_path, "Fidelity", masks=MASKS | {"findings": [FINDING | {"code": "mask shape"}] * 2})
    assert (wrong.kind, wrong.anchor, wrong.said) == ("wrong", "masks", "Images: not compared. Masks: mask shape.")


@pytest.mark.parametrize(
    ("verdict", "kind", "state"),
    [
        ("helps", "good", "Good"),
        ("harms", "wrong", "Wrong"),
        ("equivalent", "open", "No gain"),
        ("inconclusive", "open", "Undecided"),
        ("descriptive", "open", "Could not be tested"),
    ],
)
def test_benefit(tmp_path: Path, trial: dict[str, Any], make_trial: Any, verdict: str, kind: str, state: str) -> None:
    trial["verdict"]["kind"] = verdict
    found = make_overview(gather(make_trial(tmp_path / "trial", trial)))[0]
    assert (found.name, found.kind, found.state) == ("Benefit", kind, state)
    assert "points of Dice by adding pairs (95% interval" in found.said


def test_a_training_alone_has_none(run_folder: Path) -> None:
    assert make_overview(gather(run_folder)) == ()
