"""BraTS 2023 and later: scans of a patient are one subject."""

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

AFFINE = np.array([[-1.0, 0, 0, 0], [0, -1, 0, 239], [0, 0, 1, 0], [0, 0, 0, 1]])
SHAPE = (12, 10, 7)


@pytest.fixture
def brats(tmp_path: Path, write_nifti: Callable[..., Any]) -> Path:
    """Three scans of two patients: int16 contrasts, uint8 labels 0..3."""
    root = tmp_path / "ASNR-MICCAI-BraTS2023-GLI-Challenge-TrainingData"
    for seed, case in enumerate(("BraTS-GLI-00005-000", "BraTS-GLI-00005-001", "BraTS-GLI-00006-000")):
        rng = np.random.default_rng(seed)
        for kind in ("t1n", "t1c", "t2w", "t2f"):
            write_nifti(root / case / f"{case}-{kind}.nii.gz", rng.integers(0, 900, SHAPE).astype(np.int16), AFFINE)
        write_nifti(root / case / f"{case}-seg.nii.gz", rng.integers(0, 4, SHAPE).astype(np.uint8), AFFINE)
    return root


def test_contrasts_labels_and_patients(brats: Path, tmp_path: Path, check_in_place: Callable[..., None]) -> None:
    result = convert_layout("brats-2023", brats, out=tmp_path / "out")
    assert (result.pairs, result.subjects) == (3, 2)
    dataset = open_dataset(result.dataset)
    assert dataset.channel_names == ("T1n", "T1c", "T2w", "T2f")
    assert dataset.subjects == ("BraTS-GLI-00005", "BraTS-GLI-00006")
    for seed, case in enumerate(dataset.cases):
        rng = np.random.default_rng(seed)
        assert np.array_equal(dataset.read_image(case), [rng.integers(0, 900, SHAPE) for _ in range(4)])
        assert np.array_equal(dataset.read_label(case), rng.integers(0, 4, SHAPE))
    check_in_place(result.dataset, AFFINE)
    assert inspect_dataset(result.dataset)["problems"] == []


def test_a_missing_contrast_is_named(brats: Path, tmp_path: Path) -> None:
    (brats / "BraTS-GLI-00005-001" / "BraTS-GLI-00005-001-t1c.nii.gz").unlink()
    with pytest.raises(UserError, match=r"00005-001-t1c\.nii\.gz is missing"):
        convert_layout("brats-2023", brats, out=tmp_path / "out")


@pytest.mark.slow
def test_recipes_learn_from_it(brats: Path, check_trains: Callable[..., None]) -> None:
    check_trains("brats-2023", brats, "joint-stylegan2")
