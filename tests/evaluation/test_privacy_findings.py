"""Findings, sentences and notes of the privacy audit, from numbers."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from segmint.evaluation.privacy_findings import privacy_findings, privacy_notes, privacy_sentences


def rates(count: int, low: float, *, certain: int = 0) -> dict[str, Any]:
    return {
        "threshold": 3.1,
        "calibrated_on": {"images": 300, "subjects": 15},
        "measured_on": {"images": 290, "subjects": 15},
        "copies": {"count": count, "share": count / 500, "interval": [0.0, count / 500 + 0.01]},
        "false_positives": {"count": 1, "share": 1 / 290, "interval": [0.0, 0.02]},
        "excess": {"share": count / 500 - 1 / 290, "interval": [low, count / 500 + 0.01]},
        "certain": certain,
    }


def leak(count: int, low: float, *, certain: int = 0, identical: int = 0) -> dict[str, Any]:
    names = [f"v{number}" for number in range(count)]
    copied = [{"subject": name, "images": 1, "similarity": 0.99} for name in names]
    searched = {
        "held_out": {"slices": 590, "subjects": 30},
        "identical": identical,
        "identical_by_chance": False,
        "copied": copied,
    }
    return searched | rates(count, low, certain=certain)


def section(**changes: Any) -> dict[str, Any]:
    spread = {"median": 0.7, "percentile_99": 0.8, "highest": 0.85}
    content: dict[str, Any] = {
        "synthetic": {"slices": 500, "shown": 500, "subjects": 500},
        "training": {"slices": 400, "subjects": 20},
        "held_out": {"slices": 590, "shown": 590, "subjects": 30},
        "held_out_twins": [],
        "held_out_copies": leak(1, -0.01),
        "held_out_alike": 0,
        "identical": 0,
        "identical_by_chance": False,
        "plainness": {"images": 200, "alike": 0, "share": 1e-9},
        "pixels": {"similarity": {"synthetic": spread, "held_out": spread}, **rates(1, -0.01)},
        "features": {"random network": rates(0, -0.02)},
        "membership": {
            "auc": {"value": 0.52, "interval": [0.4, 0.63]},
            "control": {"value": 0.5, "interval": [0.4, 0.6]},
            "excess": {"value": 0.02, "interval": [-0.1, 0.13]},
            "subjects": {"training": 20, "held_out": 30},
            "underpowered": False,
        },
    }
    return copy.deepcopy(content) | changes


def codes(content: dict[str, Any]) -> list[str]:
    return [one["code"] for one in privacy_findings(content)]


def test_nothing_found_is_said_and_is_no_guarantee() -> None:
    content = section()
    assert codes(content) == []
    assert "no guarantee" in privacy_notes(content)[0]
    assert [note.split(":")[0] for note in privacy_notes(content)[1:]] == [
        "Bounds of held-out images count all images of a subject as one, since those that come near by chance may come together"
    ]
    content["held_out"]["subjects"] = content["held_out"]["shown"]
    assert len(privacy_notes(content)) == 1
    said = " ".join(privacy_sentences(content))
    for words in (
        "500 synthetic images",
        "20 subjects",
        "(0.2%)",
        "with 95% confidence at most 1.2%",
        "in 52% (AUC 0.52, 95% interval 0.40 to 0.63; 50% is chance)",
        "a difference of +0.02 (95% interval −0.10 to +0.13)",
        "not shown; nor is it shown that they do not: a difference of up to +0.13",
    ):
        assert words in said, words


@pytest.mark.parametrize(("count", "low", "certain"), [(25, 0.03, 20), (1, -0.01, 1)])
def test_copies_are_a_finding_many_or_one_that_is_certain(count: int, low: float, certain: int) -> None:
    content = section()
    content["pixels"] |= rates(count, low, certain=certain)
    (finding,) = privacy_findings(content)
    assert finding["code"] == "copies of training images"
    assert finding["message"].startswith(f"{count} of 500 synthetic images")
    assert "privacy.png" in finding["advice"]


@pytest.mark.parametrize(
    ("count", "low", "certain", "identical"), [(7, 0.005, 0, 0), (1, -0.01, 1, 0), (1, -0.01, 0, 1)]
)
def test_copies_of_held_out_subjects_are_a_leak_of_the_split(
    count: int, low: float, certain: int, identical: int
) -> None:
    content = section(held_out_copies=leak(count, low, certain=certain, identical=identical))
    (finding,) = privacy_findings(content)
    assert finding["code"] == "copies of held-out images"
    assert finding["message"].startswith(f"{count} of 500 synthetic images")
    assert "v0 (1 image)" in finding["message"]
    assert ("and 2 more" in finding["message"]) == (count == 7)
    assert "the split leaks, or its images are so plain" in finding["message"]
    assert ("Of 200 training images none is as near" in finding["message"]) == bool(identical)
    said = " ".join(privacy_sentences(content))
    assert "among 590 held-out images of 30 subjects" in said
    assert f"{identical} of 500 are such an image but for noise, {count} count as copies of one, as do 1 of 290" in said


def test_copies_of_held_out_subjects_without_a_threshold_or_without_any() -> None:
    searched = {"held_out": {"slices": 9, "subjects": 3}, "threshold": None, "identical_by_chance": False}
    nothing = section(held_out_copies=searched | {"identical": 0, "copied": []})
    assert codes(nothing) == []
    assert "0 of 500 are such an image but for noise." in " ".join(privacy_sentences(nothing))
    same = [{"subject": "v1", "images": 2, "similarity": 1.0}]
    (finding,) = privacy_findings(section(held_out_copies=searched | {"identical": 2, "copied": same}))
    assert (
        "2 of 500 synthetic images are a held-out image but for noise, of 1 subject: v1 (2 images)."
        in finding["message"]
    )
    assert codes(section(held_out_copies=None)) == []


def test_what_plain_images_explain_is_a_note_and_no_finding() -> None:
    """Three synthetic images, four held-out ones and one more are as near as copies, and so are training images."""
    without = {"similarity": section()["pixels"]["similarity"], "threshold": None}
    searched = {"held_out": {"slices": 9, "subjects": 3}, "threshold": None, "identical": 1, "copied": []}
    content = section(
        pixels=without,
        identical=3,
        identical_by_chance=True,
        held_out_alike=4,
        held_out_copies=searched | {"identical_by_chance": True},
        plainness={"images": 80, "alike": 9, "share": 0.2},
    )
    assert codes(content) == []
    notes = " ".join(privacy_notes(content))
    assert "exact copies cannot be told" in notes
    assert "9 of 80" in notes
    assert "4 held-out images to training images, 3 synthetic images to training images, 1 synthetic image to" in notes
    assert "1 of 500 come as near to one as a copy with noise would" in " ".join(privacy_sentences(content))
    assert "exact copies" not in " ".join(privacy_notes(section()))
    content["identical_by_chance"] = False
    (finding,) = privacy_findings(content)
    assert "unless images are so plain" in finding["message"]
    assert "Of 80 training images 9 are as near" in finding["message"]
    (finding,) = privacy_findings(content | {"plainness": None})
    assert "cannot be measured with a single training subject" in finding["message"]


def test_features_and_membership_are_findings_of_their_own() -> None:
    content = section(features={"random network": rates(30, 0.02)})
    assert codes(content) == ["near training images in features"]
    content = section()
    content["membership"] |= {
        "auc": {"value": 0.8, "interval": [0.7, 0.9]},
        "excess": {"value": 0.3, "interval": [0.2, 0.4]},
    }
    (finding,) = privacy_findings(content)
    assert finding["code"] == "membership shows"
    assert (
        "in 80% of all pairs (AUC 0.80, 95% interval 0.70 to 0.90), where the split alone gives 50%"
        in finding["message"]
    )
    assert "though not for certain" in finding["advice"]
    assert "not shown" not in " ".join(privacy_sentences(content))
    # A split that is uneven by itself is no leak.
    content["membership"]["excess"] = {"value": 0.05, "interval": [-0.1, 0.2]}
    assert codes(content) == []
    assert "is not shown" in " ".join(privacy_sentences(content))


def test_what_cannot_be_told_is_said() -> None:
    content = section(held_out={"slices": 60, "shown": 60, "subjects": 6}, membership=None)
    content["pixels"] = {"similarity": content["pixels"]["similarity"], "threshold": None}
    content["features"] = {"random network": {"threshold": None}}
    assert codes(content) == []
    notes = " ".join(privacy_notes(content))
    assert "60 held-out real images of 6 subjects" in notes
    assert "only the ranking" in notes
    assert "Membership was not tested" in notes
    content = section(synthetic={"slices": 9000, "shown": 1000, "subjects": 1000})
    content["membership"]["underpowered"] = True
    notes = " ".join(privacy_notes(content))
    assert "Of 9000 synthetic images 1000" in notes
    assert "could show only a gross leak: there are 20 training and 30 held-out subjects" in notes
