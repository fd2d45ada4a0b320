"""The section on privacy, from evaluation.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmint.errors import UserError
from segmint.outputs import write_json
from segmint.report.build import build_report

HOSTILE = "<script>alert(1)</script>"


def rates() -> dict[str, Any]:
    return {
        "threshold": 3.0,
        "copies": {"count": 5, "share": 0.05, "interval": [0.02, 0.1]},
        "false_positives": {"count": 0, "share": 0.0, "interval": [0.0, 0.02]},
        "excess": {"share": -0.004, "interval": [-0.02, 0.073]},
    }


def write_evaluation(folder: Path, *, threshold: bool = True, finding: bool = False, name: str = "a") -> Path:
    folder.mkdir(parents=True)
    one = {"code": "copies of training images", "message": "5 of 100.", "advice": "Leave them out."}
    estimate = {"value": 0.61, "interval": [0.5, 0.7]}
    section = {
        "pixels": rates() if threshold else {"threshold": None},
        "features": {"random network": rates() if threshold else {"threshold": None}},
        "membership": {"auc": estimate, "control": estimate, "excess": {"value": -0.1, "interval": [None, None]}}
        if threshold
        else None,
        "nearest": [
            {"synthetic": name, "training": name, "subject": name, "similarity": 0.973, "copy": threshold or None},
            {"synthetic": "b", "training": "c", "subject": "c", "similarity": 0.8, "copy": None},
        ],
        "findings": [one] if finding else [],
        "sentences": ["A sentence.", name],
        "notes": ["No guarantee."],
        "picture": "privacy.png",
    }
    Image.fromarray(np.zeros((64, 256, 3), np.uint8)).save(folder / "privacy.png")
    content = {"format": 1, "real": {"name": "phantom", "identity": "phantom-0"}, "notes": [], "privacy": section}
    write_json(folder / "evaluation.json", content)
    return folder


def page_of(folder: Path) -> str:
    return build_report(folder).read_text(encoding="utf-8")


def test_table_membership_sentences_and_pairs(tmp_path: Path) -> None:
    page = page_of(write_evaluation(tmp_path / "evaluation"))
    for said in (
        "aligned pixels",
        "random network",
        "5.0%",
        "−0.4%",
        "7.3%",
        "A sentence.",
        "No guarantee.",
        "0.97 (copy), 0.80.",
    ):
        assert said in page, said
    for said in ("0.61<small>0.50 to 0.70</small>", "−0.10"):
        assert said in page, said
    assert page.count("data:image/png;base64,") == 1
    assert "copies of training images" not in page
    assert page.index('id="alignment"') < page.index('id="privacy"') < page.index('id="training"')


def test_findings_are_warnings(tmp_path: Path) -> None:
    page = page_of(write_evaluation(tmp_path / "evaluation", finding=True))
    assert '<div class="warning"><h4>copies of training images</h4><p>5 of 100.</p>' in page


def test_without_a_threshold_only_the_ranking(tmp_path: Path) -> None:
    page = page_of(write_evaluation(tmp_path / "evaluation", threshold=False))
    assert "aligned pixels" not in page
    assert "0.97, 0.80." in page


def test_what_was_not_measured_is_said_and_strings_are_escaped(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    write_json(folder / "steps.json", {"verb": "run", "demonstration": False, "steps": []})
    assert "was not looked into" in page_of(folder)
    assert "<script" not in page_of(write_evaluation(tmp_path / "evaluation", name=HOSTILE))


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "evaluation")
    (folder / "privacy.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"privacy\.png"):
        build_report(folder)
