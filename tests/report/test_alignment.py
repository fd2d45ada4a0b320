"""The section on alignment, from evaluation.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmint.errors import UserError
from segmint.outputs import read_json, write_json
from segmint.report.build import build_report

HOSTILE = "<script>alert(1)</script>"


def entry(synthetic: float | None, holdout: float | None) -> dict[str, Any]:
    def estimate(key: str, value: float | None) -> dict[str, Any]:
        return {key: value, "interval": [None, None] if value is None else [value - 0.05, value + 0.05]}

    ratio = None if synthetic is None or holdout is None else synthetic / holdout
    return {
        "synthetic": estimate("dice", synthetic),
        "holdout": estimate("dice", holdout),
        "ratio": estimate("value", ratio),
    }


def write_evaluation(folder: Path, *, label: str = "lesion", findings: bool = False) -> Path:
    folder.mkdir(parents=True)
    finding = {"code": "masks off the images", "message": "They do not follow.", "advice": "Train longer."}
    section = {
        "mean": entry(0.61, 0.82),
        "labels": {label: entry(0.61, 0.82), "vessel": entry(None, 0.7)},
        "findings": [finding] if findings else [],
        "sentences": ["A sentence."],
        "notes": ["vessel is in none of the synthetic masks."],
        "examples": [
            {"pair": "a", "dice": 0.21, "kind": "lowest"},
            {"pair": "b", "dice": 0.63, "kind": "median"},
        ],
        "picture": "alignment.png",
        "seconds": {"training": 181.6, "measuring": 12.3},
    }
    Image.fromarray(np.zeros((64, 256, 3), np.uint8)).save(folder / "alignment.png")
    content = {"format": 1, "real": {"name": "phantom", "identity": "phantom-0"}, "notes": [], "alignment": section}
    write_json(folder / "evaluation.json", content)
    return folder


def test_table_sentences_and_picture(tmp_path: Path) -> None:
    page = build_report(write_evaluation(tmp_path / "evaluation")).read_text(encoding="utf-8")
    for said in (
        "0.61<small>0.56 to 0.66</small>",
        "0.74",
        "–",
        "A sentence.",
        "mean over labels",
        "Dice 0.21",
        "(0.63)",
        '<p class="aside">Training took 182 s, once',
        "that are trained, 12 s.</p>",
    ):
        assert said in page, said
    assert page.count("data:image/png;base64,") == 1
    assert "masks off the images" not in page
    assert "segmint evaluate --alignment does that" not in page
    assert page.index('id="masks"') < page.index('id="alignment"') < page.index('id="training"')


def test_durations_that_earlier_versions_did_not_store_are_left_out(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "evaluation")
    content = read_json(folder / "evaluation.json")
    for stored in ({"training": None, "measuring": 1.0}, None):
        content["alignment"]["seconds"] = stored
        write_json(folder / "evaluation.json", content)
        assert "Training took" not in build_report(folder).read_text(encoding="utf-8")
    del content["alignment"]["seconds"]
    write_json(folder / "evaluation.json", content)
    assert "Training took" not in build_report(folder).read_text(encoding="utf-8")


def test_findings_are_warnings(tmp_path: Path) -> None:
    page = build_report(write_evaluation(tmp_path / "evaluation", findings=True)).read_text(encoding="utf-8")
    assert '<div class="warning"><h4>masks off the images</h4><p>They do not follow.</p>' in page


def test_what_was_not_measured_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    write_json(folder / "steps.json", {"verb": "run", "demonstration": False, "steps": []})
    assert "segmint evaluate --alignment does that" in build_report(folder).read_text(encoding="utf-8")


def test_strings_of_the_user_are_escaped(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "evaluation", label=HOSTILE)
    assert "<script" not in build_report(folder).read_text(encoding="utf-8")


def test_a_damaged_picture_is_named_and_a_missing_one_left_out(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "evaluation")
    (folder / "alignment.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"alignment\.png"):
        build_report(folder)
    (folder / "alignment.png").unlink()
    assert "base64" not in build_report(folder).read_text(encoding="utf-8")
