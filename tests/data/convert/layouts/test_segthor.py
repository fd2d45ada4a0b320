"""SegTHOR: thin patients' CT in Hounsfield units, test images without masks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.data.convert import convert_layout
from segmint.data.dataset import open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.errors import UserError

AFFINE = np.array([[-0.98, 0, 0, 250.0], [0, -0.98, 0, 250], [0, 0, 2.5, -300], [0, 0, 0, 1]])
SHAPE = (10, 12, 6)


@pytest.fixture
def segthor(tmp_path: Path, write_nifti: Callable[..., Any]) -> Path:
    """Three patients with masks, one without: int16 Hounsfield units, uint8 labels 0..4."""
    root = tmp_path / "SegTHOR"
    for number in (1, 2, 40, 41):
        rng = np.random.default_rng(number)
        name = f"Patient_{number:02d}"
        folder = root / "train" / name if number < 41 else root / "test"
        write_nifti(folder / f"{name}.nii.gz", rng.integers(-1000, 1500, SHAPE).astype(np.int16), AFFINE)
        if number < 41:
            write_nifti(folder / "GT.nii.gz", rng.integers(0, 5, SHAPE).astype(np.uint8), AFFINE)
    return root


def test_organs_hounsfield_units_and_place(segthor: Path, tmp_path: Path, check_in_place: Callable[..., None]) -> None:
    result = convert_layout("segthor", segthor, out=tmp_path / "out")
    assert (result.pairs, result.subjects, result.subject_kind) == (3, 3, "subject")
    assert "3 pairs of 3 subjects, and 1 images without masks" in result.messages[0]
    dataset = open_dataset(result.dataset)
    assert dataset.label_names == ("background", "oesophagus", "heart", "trachea", "aorta")
    assert dataset.channel_names == ("CT",)
    for case in dataset.cases:
        rng = np.random.default_rng(int(case.id[-2:]))
        assert np.array_equal(dataset.read_image(case)[0], rng.integers(-1000, 1500, SHAPE))
        assert np.array_equal(dataset.read_label(case), rng.integers(0, 5, SHAPE))
    assert (result.dataset / "imagesUnlabelled" / "Patient_41_0000.nii.gz").is_file()
    check_in_place(result.dataset, AFFINE)
    assert inspect_dataset(result.dataset)["problems"] == []
    assert convert_layout("segthor", segthor / "train", out=tmp_path / "train-only").pairs == 3


def test_a_missing_mask_is_named(segthor: Path, tmp_path: Path) -> None:
    (segthor / "train" / "Patient_40" / "GT.nii.gz").unlink()
    with pytest.raises(UserError, match=r"Patient_40/GT\.nii\.gz is missing"):
        convert_layout("segthor", segthor, out=tmp_path / "out")


@pytest.mark.slow
def test_recipes_learn_from_it(segthor: Path, check_trains: Callable[..., None]) -> None:
    check_trains("segthor", segthor, "datasetgan", "semanticgan")
