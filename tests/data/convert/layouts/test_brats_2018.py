"""BraTS 2018 to 2021: label 4 becomes 3, nothing moves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from segmint.data.convert import convert_layout
from segmint.data.dataset import open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.errors import UserError

AFFINE = np.array([[-1.0, 0, 0, 0], [0, -1, 0, 239], [0, 0, 1, 0], [0, 0, 0, 1]])
SHAPE = (12, 10, 7)
CASES = ("HGG/Brats18_TCIA02_117_1", "HGG/Brats18_TCIA02_117_2", "LGG/Brats18_2013_0_1")


@pytest.fixture
def brats(tmp_path: Path, write_nifti: Callable[..., Any]) -> Path:
    """Three scans of two patients: int16 contrasts, int16 labels 0, 1, 2, 4, RAS flipped twice as the owners ship it."""
    root = tmp_path / "MICCAI_BraTS_2018_Data_Training"
    for seed, place in enumerate(CASES):
        case = place.split("/")[1]
        rng = np.random.default_rng(seed)
        for kind in ("t1", "t1ce", "t2", "flair"):
            write_nifti(root / place / f"{case}_{kind}.nii.gz", rng.integers(0, 900, SHAPE).astype(np.int16), AFFINE)
        labels = rng.choice([0, 1, 2, 4], SHAPE).astype(np.int16)
        write_nifti(root / place / f"{case}_seg.nii.gz", labels, AFFINE)
    (root / "survival_data.csv").write_text("ID,Age\n")
    (root / CASES[0] / "._Brats18_TCIA02_117_1_flair.nii.gz").write_bytes(b"left by an archive")
    return root


def test_four_contrasts_and_consecutive_ids(brats: Path, tmp_path: Path, check_in_place: Callable[..., None]) -> None:
    result = convert_layout("brats-2018", brats, out=tmp_path / "out")
    assert (result.pairs, result.subjects, result.subject_kind) == (3, 2, "subject")
    assert any("4 -> 3 enhancing tumour" in message for message in result.messages)
    dataset = open_dataset(result.dataset)
    assert dataset.channel_names == ("T1", "T1ce", "T2", "FLAIR")
    assert dataset.subjects == ("Brats18_2013_0", "Brats18_TCIA02_117")
    case = next(case for case in dataset.cases if case.id == "Brats18_TCIA02_117_1")
    rng = np.random.default_rng(0)
    contrasts = [rng.integers(0, 900, SHAPE) for _ in range(4)]
    assert np.array_equal(dataset.read_image(case), contrasts)
    stored = nibabel.load(result.dataset / "imagesTr" / f"{case.id}_0000.nii.gz")
    assert stored.get_data_dtype() == np.int16
    labels = rng.choice([0, 1, 2, 4], SHAPE)
    assert np.array_equal(dataset.read_label(case), np.where(labels == 4, 3, labels))
    check_in_place(result.dataset, AFFINE)
    assert inspect_dataset(result.dataset)["problems"] == []


def test_files_of_2020_are_not_compressed(tmp_path: Path, write_nifti: Callable[..., Any]) -> None:
    case = tmp_path / "set" / "BraTS20_Training_001"
    for kind in ("t1", "t1ce", "t2", "flair", "seg"):
        write_nifti(case / f"{case.name}_{kind}.nii", np.eye(8, dtype=np.int16)[None].repeat(8, 0), AFFINE)
    result = convert_layout("brats-2018", tmp_path / "set", out=tmp_path / "out")
    assert open_dataset(result.dataset).subjects == ("BraTS20_Training_001",)


@pytest.mark.parametrize(
    ("kind", "shape", "affine", "complaint"),
    [
        ("t2", (12, 10, 6), AFFINE, r"_t2\.nii\.gz has the shape 12 x 10 x 6 but .*_t1\.nii\.gz has 12 x 10 x 7"),
        ("t1ce", SHAPE, AFFINE + np.eye(4, k=3), r"_t1ce\.nii\.gz lies 1 mm away from .*_t1\.nii\.gz"),
        ("seg", SHAPE, np.diag([1.0, -1, 1, 1]), r"_seg\.nii\.gz lies .* mm away from .*_t1\.nii\.gz"),
    ],
)
def test_other_grids_are_refused_by_name(
    brats: Path,
    tmp_path: Path,
    write_nifti: Callable[..., Any],
    kind: str,
    shape: tuple[int, ...],
    affine: np.ndarray,
    complaint: str,
) -> None:
    write_nifti(brats / CASES[2] / f"Brats18_2013_0_1_{kind}.nii.gz", np.ones(shape, np.int16), affine)
    with pytest.raises(UserError, match=complaint):
        convert_layout("brats-2018", brats, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_wrong_is_said_in_one_sentence(brats: Path, tmp_path: Path, write_nifti: Callable[..., Any]) -> None:
    mask = brats / CASES[2] / "Brats18_2013_0_1_seg.nii.gz"
    write_nifti(mask, np.full(SHAPE, 3, np.int16), AFFINE)
    with pytest.raises(UserError, match=r"holds the value 3, but its labels are 0, 1, 2, 4: mend the mask"):
        convert_layout("brats-2018", brats, out=tmp_path / "out")
    write_nifti(mask.with_name("Brats18_2013_0_1_t1.nii.gz"), np.full(SHAPE, np.nan, np.float32), AFFINE)
    with pytest.raises(UserError, match=r"_t1\.nii\.gz holds intensities that are NaN or infinite"):
        convert_layout("brats-2018", brats, out=tmp_path / "out")
    mask.unlink()
    with pytest.raises(UserError, match=r"_seg\.nii\.gz is missing, but its image is there"):
        convert_layout("brats-2018", brats, out=tmp_path / "out")
    (brats / CASES[2]).rename(brats / "HGG" / "copy")
    (brats / "HGG" / "copy" / "Brats18_2013_0_1_seg.nii.gz").touch()
    (brats / "LGG" / "again").mkdir()
    for kind in ("t1", "t1ce", "t2", "flair", "seg"):
        (brats / "LGG" / "again" / f"Brats18_2013_0_1_{kind}.nii.gz").touch()
    with pytest.raises(UserError, match="are the same case twice: remove one of them"):
        convert_layout("brats-2018", brats, out=tmp_path / "out")


@pytest.mark.slow
def test_real_files_of_these_names(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    result = convert_layout("brats-2018", real_data("ms-lesions"), out=tmp_path / "out")
    assert (result.pairs, result.subjects) == (3, 3)
    dataset = open_dataset(result.dataset)
    case = dataset.cases[0]
    assert (case.id, dataset.shape(case)) == ("patient07", (121, 145, 121))
    assert case.spacing == (1.5, 1.5, 1.5)
    assert 0 < dataset.read_label(case).mean() < 0.05
    assert inspect_dataset(result.dataset)["problems"] == []


@pytest.mark.slow
def test_recipes_learn_from_it(brats: Path, check_trains: Callable[..., None]) -> None:
    check_trains("brats-2018", brats, "joint-stylegan2")
