"""The section on masks, from a real comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmint.errors import UserError
from segmint.evaluation.mask_comparison import compare_masks
from segmint.evaluation.mask_set import MaskSet
from segmint.outputs import write_json
from segmint.report.build import build_report
from segmint.report.masks import shape_figure

HOSTILE = "<script>alert(1)</script>"


def discs(count: int, seed: int) -> np.ndarray:
    rows, columns = np.mgrid[:32, :32]
    places = np.random.default_rng(seed).uniform(8, 24, (count, 3))
    return np.stack([(np.hypot(rows - r, columns - c) < 2 + s / 6).astype(np.uint8) for r, c, s in places])


def write_evaluation(folder: Path, *, label: str = "lesion", repeated: bool = False) -> Path:
    folder.mkdir(parents=True)
    real = MaskSet(discs(20, 0), [f"s{i}" for i in range(20)])
    labels = np.repeat(discs(1, 1), 30, axis=0) if repeated else discs(30, 1)
    section: dict[str, Any] = compare_masks(
        MaskSet(labels, [f"d{i}" for i in range(30)]), real, label_names=("background", label)
    )
    held = MaskSet(discs(8, 2), [f"h{i}" for i in range(8)])
    section |= {"holdout": compare_masks(held, real, label_names=("background", label)), "picture": "masks.png"}
    Image.fromarray(np.zeros((64, 256, 3), np.uint8)).save(folder / "masks.png")
    content = {"format": 1, "real": {"name": "phantom", "identity": "phantom-0"}, "notes": ["a note"], "masks": section}
    write_json(folder / "evaluation.json", content)
    return folder


def test_an_evaluation_alone(tmp_path: Path) -> None:
    page = build_report(write_evaluation(tmp_path / "evaluation")).read_text(encoding="utf-8")
    for said in (
        "Masks drawn for phantom",
        "Nothing is wrong with the masks",
        "branch points",
        "<td>compactness</td>",
        "<td>place from the top</td>",
        "a note",
        "Held out",
    ):
        assert said in page, said
    assert page.count("data:image/png;base64,") == 1


def test_findings_stand_in_the_report_of_a_workflow(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    write_json(folder / "steps.json", {"verb": "run", "demonstration": False, "steps": []})
    assert "were not compared with real ones" in build_report(folder).read_text(encoding="utf-8")
    write_evaluation(folder / "evaluation", repeated=True)
    page = build_report(folder).read_text(encoding="utf-8")
    assert "repeated masks" in page
    assert "Nothing is wrong with the masks" not in page
    assert "Distinct among the 30 drawn masks that hold anything: 1;" in page


def test_strings_of_the_user_are_escaped(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "evaluation", label=HOSTILE)
    assert "<script" not in build_report(folder).read_text(encoding="utf-8")


def test_a_damaged_picture_is_named_and_a_missing_one_left_out(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "evaluation")
    (folder / "masks.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"masks\.png"):
        build_report(folder)
    (folder / "masks.png").unlink()
    assert "base64" not in build_report(folder).read_text(encoding="utf-8")


def test_an_evaluation_from_before_there_were_places_and_compactness(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "evaluation")
    content = json.loads((folder / "evaluation.json").read_text())
    for labels in (content["masks"]["labels"], content["masks"]["holdout"]["labels"]):
        for name in ("solidity", "centre_row", "centre_column"):
            del labels["lesion"][name]
    write_json(folder / "evaluation.json", content)
    page = build_report(folder).read_text(encoding="utf-8")
    assert "<td>branch points</td>" in page
    assert "<td>place from the top</td>" not in page
    content["masks"]["labels"]["lesion"]["solidity"] = None
    write_json(folder / "evaluation.json", content)
    with pytest.raises(UserError, match="some of its measures are missing"):
        build_report(folder)


def test_labels_that_were_never_drawn_are_not_in_the_figure(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "evaluation")
    content = json.loads((folder / "evaluation.json").read_text())
    measures = content["masks"]["labels"]["lesion"]
    for name in measures:
        if name != "present":
            measures[name] = None
    assert shape_figure(content["masks"]["labels"]) is None
    write_json(folder / "evaluation.json", content)
    assert "Masks drawn for phantom" in build_report(folder).read_text(encoding="utf-8")
