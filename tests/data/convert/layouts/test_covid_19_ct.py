"""COVID-19 CT: a stack whose slices have nothing to do with each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.data.convert import convert_layout
from segmint.data.dataset import open_dataset
from segmint.data.formats.nifti import slice_affine
from segmint.data.inspect import inspect_dataset
from segmint.errors import UserError

AFFINE = np.array([[0.0, -0.7, 0, 10], [-0.7, 0, 0, 20], [0, 0, 5, 0], [0, 0, 0, 1]])
COUNT = 6


@pytest.fixture
def covid(tmp_path: Path, write_nifti: Callable[..., Any]) -> Path:
    """Slices along the last axis: float32 Hounsfield units, uint8 labels 0..3, two more slices without masks."""
    root = tmp_path / "covid"
    rng = np.random.default_rng(0)
    write_nifti(root / "tr_im.nii.gz", rng.integers(-1200, 300, (10, 12, COUNT)).astype(np.float32), AFFINE)
    write_nifti(root / "tr_mask.nii.gz", rng.integers(0, 4, (10, 12, COUNT)).astype(np.uint8), AFFINE)
    write_nifti(root / "val_im.nii.gz", rng.integers(-1200, 300, (10, 12, 2)).astype(np.float32), AFFINE)
    return root


def test_every_slice_is_an_image_of_its_own(covid: Path, tmp_path: Path) -> None:
    result = convert_layout("covid-19-ct", covid, out=tmp_path / "out")
    assert (result.pairs, result.subjects, result.subject_kind) == (COUNT, COUNT, "image")
    assert f"{COUNT} pairs of {COUNT} images, and 2 images without masks" in result.messages[0]
    dataset = open_dataset(result.dataset)
    assert dataset.label_names == ("background", "ground glass", "consolidation", "pleural effusion")
    rng = np.random.default_rng(0)
    images, labels = rng.integers(-1200, 300, (10, 12, COUNT)), rng.integers(0, 4, (10, 12, COUNT))
    for number, case in enumerate(dataset.cases):
        assert case.id == f"tr_{number:03d}"
        assert case.volume is None
        assert np.array_equal(np.squeeze(dataset.read_image(case)), images[..., number])
        assert np.array_equal(np.squeeze(dataset.read_label(case)), labels[..., number])
        assert np.allclose(case.affine, slice_affine(AFFINE, axis=2, index=number))
        assert np.allclose(case.spacing, (0.7, 0.7, 5.0))
    assert inspect_dataset(result.dataset)["problems"] == []


def test_a_mask_of_fewer_slices_is_refused(covid: Path, tmp_path: Path, write_nifti: Callable[..., Any]) -> None:
    write_nifti(covid / "tr_mask.nii.gz", np.zeros((10, 12, COUNT - 1), np.uint8), AFFINE)
    with pytest.raises(UserError, match=r"tr_mask\.nii\.gz has the shape 10 x 12 x 5 but .*tr_im\.nii\.gz has"):
        convert_layout("covid-19-ct", covid, out=tmp_path / "out")
    (covid / "tr_mask.nii.gz").unlink()
    with pytest.raises(UserError, match=r"tr_mask\.nii\.gz is missing"):
        convert_layout("covid-19-ct", covid, out=tmp_path / "out")


@pytest.mark.slow
def test_recipes_learn_from_it(covid: Path, check_trains: Callable[..., None]) -> None:
    check_trains("covid-19-ct", covid, "vessgan", "vess2image", binarised=True)
