"""`segmint evaluate` on datasets on disk: which masks it compares, what it writes, what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmint.data.dataset import open_dataset
from segmint.errors import UserError
from segmint.evaluation.evaluate import AUDITS, evaluate
from segmint.evaluation.mask_audit import mask_table
from segmint.outputs import read_json


def evaluated(real: Path, synthetic: Path, out: Path, **options: Any) -> dict[str, Any]:
    assert evaluate(real, synthetic, out=out, size=16, device="cpu", progress=False, **options) == out
    content = read_json(out / "evaluation.json")
    assert isinstance(content, dict)
    return content


def test_compares_drawn_masks_with_those_the_generator_has_seen(
    real: Path, synthetic: Path, study: Any, tmp_path: Path
) -> None:
    content = evaluated(real, synthetic, tmp_path / "evaluation")
    assert content["training_subjects"] == sorted(study.train)
    assert content["real"]["slices"] == study.real_slices
    assert content["synthetic"]["slices"] == 3 * study.real_slices
    assert content["synthetic"]["recipe"] == "joint-stylegan2"
    assert content["holdout"]["subjects"] == len(study.validation) + len(study.test)
    masks = content["masks"]
    assert masks["drawn"]["masks"] == 3 * study.real_slices
    assert masks["training"] == {"masks": study.real_slices, "subjects": len(study.train), "empty": 0}
    assert masks["holdout"]["drawn"]["subjects"] == content["holdout"]["subjects"]
    assert list(masks["labels"]) == list(study.labels[1:])
    assert content["notes"] == []
    assert [audit.name for audit in AUDITS] == ["masks"]
    sheet = (synthetic / "DATASHEET.md").read_text()
    assert all(f"- {sentence}" in sheet for name in ("masks", "privacy") for sentence in content[name]["sentences"])


def test_the_picture_shows_drawn_masks_above_the_nearest_training_masks(
    real: Path, synthetic: Path, tmp_path: Path
) -> None:
    content = evaluated(real, synthetic, tmp_path / "evaluation")
    with Image.open(tmp_path / "evaluation" / content["masks"]["picture"]) as picture:
        rows = np.asarray(picture)
    examples = content["masks"]["nearest"]["examples"]
    assert len(examples) == 8
    assert "slice" in examples[0]["training"]
    assert rows.shape == (2 * 132, 8 * 132, 3)
    upper, lower = (part[2:130, 2:130].any(axis=2) for part in (rows[:132], rows[132:]))
    overlap = 2 * (upper & lower).sum() / (upper.sum() + lower.sum())
    assert overlap >= examples[0]["dice"] - 1e-6


def test_other_data_can_be_the_yardstick(real: Path, synthetic: Path, study: Any, tmp_path: Path) -> None:
    other = study.write_synthetic(tmp_path / "other", None, pairs=9, seed=3)
    content = evaluated(real, synthetic, tmp_path / "evaluation", holdout=other)
    assert content["holdout"]["identity"] == open_dataset(other).identity
    assert content["masks"]["holdout"]["drawn"]["masks"] == 9


def test_real_cases_beside_synthetic_ones_are_left_out(real: Path, study: Any, tmp_path: Path) -> None:
    made = study.provenance(open_dataset(real))
    mixed = study.write_synthetic(tmp_path / "mixed", made, pairs=10, real_cases=study.train[:2])
    assert evaluated(real, mixed, tmp_path / "evaluation")["synthetic"]["slices"] == 10


def test_what_was_guessed_is_said(real: Path, study: Any, tmp_path: Path) -> None:
    unknown = study.write_synthetic(tmp_path / "unknown", None, pairs=10)
    content = evaluated(real, unknown, tmp_path / "a")
    assert "training part of the split was taken" in content["notes"][0]
    assert content["training_subjects"] == sorted(study.train)
    whole = study.write_real(tmp_path / "whole", split=None)
    content = evaluated(whole, unknown, tmp_path / "b")
    assert "no split" in content["notes"][0]
    assert content["holdout"] is None
    assert content["masks"]["holdout"] is None
    seen = study.provenance(open_dataset(real), labels_seen=study.train[:2], images_seen=study.train[:2])
    few = study.write_synthetic(tmp_path / "few", seen, pairs=10)
    content = evaluated(real, few, tmp_path / "c")
    assert content["training_subjects"] == sorted(study.train[:2])
    assert "2 subjects" in content["masks"]["notes"][0]


def test_a_copy_of_the_training_data_is_named(real: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluate(real, real, out=tmp_path / "evaluation", size=16, device="cpu")
    printed = " ".join(capsys.readouterr().out.split())
    assert "copied masks" in printed
    assert "are exact copies of training masks" in printed


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_the_screen(width: int, real: Path, synthetic: Path, tmp_path: Path) -> None:
    import io

    from rich.console import Console

    content = evaluated(real, synthetic, tmp_path / "evaluation")
    console = Console(width=width, file=io.StringIO(), legacy_windows=False)
    console.print(mask_table(content["masks"]))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "…" not in text
    assert "skeleton length (px)" in text
    assert "None" not in text
    assert "nan" not in text


def test_wrong_inputs_are_one_sentence_and_leave_nothing(
    real: Path, synthetic: Path, study: Any, tmp_path: Path
) -> None:
    out = tmp_path / "evaluation"
    others = study.write_synthetic(tmp_path / "others", None, pairs=3, labels=("background", "organ", "cyst"))
    for arguments, words, options in (
        ((synthetic, synthetic), "is a synthetic dataset", {}),
        ((real, others), "differ in their labels", {}),
        ((real, tmp_path / "absent"), "absent", {}),
        ((real, synthetic), "differ in their labels", {"holdout": others}),
    ):
        with pytest.raises(UserError, match=words):
            evaluate(*arguments, out=out, size=16, progress=False, **options)
        assert not out.exists()


def test_what_exists_is_kept_unless_told(real: Path, synthetic: Path, tmp_path: Path) -> None:
    out = tmp_path / "evaluation"
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    with pytest.raises(UserError, match="exists already"):
        evaluate(real, synthetic, out=out, size=16, progress=False)
    assert [path.name for path in out.iterdir()] == ["mine.txt"]
    evaluated(real, synthetic, out, overwrite=True)
    assert sorted(path.name for path in out.iterdir()) == ["evaluation.json", "masks.png", "privacy.png"]
