"""Orientation, spacing and origin, from foreign files through conversion, dataset, slices and prediction."""

from __future__ import annotations

import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
from tests.conftest import forget_sidecar

from segmint.data.binarise import binarise_dataset
from segmint.data.convert import convert_folders, convert_layout
from segmint.data.dataset import open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.data.slices import open_slices
from segmint.errors import UserError


def _turn(degrees: tuple[float, float, float]) -> np.ndarray:
    """Rotation about x, then y, then z."""
    matrix = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        one = np.eye(3)
        a, b = [(1, 2), (0, 2), (0, 1)][axis]
        one[a, a] = one[b, b] = np.cos(angle)
        one[a, b], one[b, a] = -np.sin(angle), np.sin(angle)
        matrix = one @ matrix
    return matrix


def _affine(spacing: tuple[float, float, float], degrees: tuple[float, float, float], mirrored: bool) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = _turn(degrees) @ np.diag(spacing) @ np.diag([-1.0 if mirrored else 1.0, 1.0, 1.0])
    affine[:3, 3] = (-81.25, 17.5, 302.125)
    return affine


AFFINES = {
    "oblique": _affine((0.9, 0.9, 0.9), (20, -15, 40), False),
    "anisotropic": _affine((0.5, 0.75, 6.0), (0, 0, 0), True),
    "oblique and anisotropic, thick first": _affine((5.0, 0.5, 0.75), (35, 10, -25), True),
}


@pytest.fixture(params=AFFINES, ids=lambda name: name.replace(" ", "-"))
def affine(request: pytest.FixtureRequest) -> np.ndarray:
    return AFFINES[request.param]


def _volumes(folder: Path, affine: np.ndarray, *, channels: int = 0, count: int = 3) -> Path:
    """Volumes with masks in two folders; 4-D where there are channels."""
    for number in range(count):
        random = np.random.default_rng(number)
        shape = (9, 11, 7, channels) if channels else (9, 11, 7)
        voxels = random.integers(-200, 900, shape).astype(np.int16)
        mask = (random.random((9, 11, 7)) < 0.3).astype(np.uint8)
        for name, array in (("images", voxels), ("masks", mask)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(array, affine), folder / name / f"s{number}.nii.gz")
    return folder


def _in_place(path: Path, affine: np.ndarray) -> None:
    """Both forms of the place, the spacing, and the unit."""
    image = nibabel.load(path)
    assert np.allclose(image.affine, affine, atol=1e-4), path
    assert np.allclose(image.get_sform(), affine, atol=1e-4), path
    assert np.allclose(image.get_qform(), affine, atol=1e-4), path
    assert np.allclose(image.header.get_zooms()[:3], np.linalg.norm(affine[:3, :3], axis=0), atol=1e-5), path
    assert image.header.get_xyzt_units()[0] == "mm"


def test_conversion_dataset_and_copies(affine: np.ndarray, tmp_path: Path) -> None:
    source = _volumes(tmp_path / "in", affine)
    out = convert_folders(source / "images", source / "masks", out=tmp_path / "out", modality="CT").dataset
    again = convert_layout("nnunet", _without_sidecar(out), out=tmp_path / "again").dataset
    binary = binarise_dataset(out, out=tmp_path / "binary").root
    for folder in (out, again, binary):
        files = sorted(folder.rglob("*.nii.gz"))
        assert len(files) == 6
        for path in files:
            _in_place(path, affine)
    dataset = open_dataset(out)
    for number, case in enumerate(dataset.cases):
        assert np.array_equal(
            dataset.read_image(case)[0], nibabel.load(source / "images" / f"s{number}.nii.gz").dataobj
        )
        assert np.allclose(dataset.affine(case), affine, atol=1e-4)
        assert dataset.spacing(case) == pytest.approx(np.linalg.norm(affine[:3, :3], axis=0).tolist())
    assert inspect_dataset(out)["problems"] == []


def _without_sidecar(folder: Path) -> Path:
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    forget_sidecar(copy)
    return copy


def test_slices_know_axis_and_spacing(affine: np.ndarray, tmp_path: Path) -> None:
    source = _volumes(tmp_path / "in", affine)
    dataset = open_dataset(convert_folders(source / "images", source / "masks", out=tmp_path / "out").dataset)
    slices = open_slices(dataset, size=16)
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    assert slices.axis == (2 if np.allclose(steps, steps[0]) else int(steps.argmax()))
    planes = [axis for axis in range(3) if axis != slices.axis]
    assert slices.slice_spacing == pytest.approx([*(steps[planes] / slices.scale), steps[slices.axis]])
    one = slices.records[0]
    label = np.take(dataset.read_label(dataset.cases[0]), one.slice, axis=slices.axis)
    assert np.array_equal(slices.original_label(0), label)


def test_4d_volumes_come_apart_in_place(affine: np.ndarray, tmp_path: Path) -> None:
    source = _volumes(tmp_path / "in", affine, channels=3)
    out = convert_folders(source / "images", source / "masks", out=tmp_path / "out").dataset
    dataset = open_dataset(out)
    assert len(dataset.channel_names) == 3
    for number, case in enumerate(dataset.cases):
        stored = np.asarray(nibabel.load(source / "images" / f"s{number}.nii.gz").dataobj)
        assert np.array_equal(dataset.read_image(case), np.moveaxis(stored, -1, 0))
        for path in case.files:
            _in_place(path, affine)


@pytest.mark.parametrize(("unit", "factor"), [("micron", 1e-3), ("meter", 1e3), ("mm", 1.0), ("unknown", 1.0)])
def test_other_units_become_millimetres(unit: str, factor: float, tmp_path: Path) -> None:
    affine = AFFINES["oblique and anisotropic, thick first"]
    source = _volumes(tmp_path / "in", affine)
    for path in source.rglob("*.nii.gz"):
        image = nibabel.load(path)
        image.header.set_xyzt_units(unit)
        nibabel.save(nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header), path)
    out = convert_folders(source / "images", source / "masks", out=tmp_path / "out").dataset
    scaled = affine.copy()
    scaled[:3] *= factor
    for path in out.rglob("*.nii.gz"):
        image = nibabel.load(path)
        assert np.allclose(image.affine, scaled, rtol=1e-5, atol=1e-5 * factor)
        assert np.allclose(image.header.get_zooms(), np.linalg.norm(scaled[:3, :3], axis=0), rtol=1e-5)
    dataset = open_dataset(out)
    assert dataset.spacing(dataset.cases[0]) == pytest.approx([5 * factor, 0.5 * factor, 0.75 * factor])


def _moved(path: Path, affine: np.ndarray) -> None:
    nibabel.save(nibabel.Nifti1Image(np.asarray(nibabel.load(path).dataobj), affine), path)


def test_masks_and_contrasts_on_another_grid_are_named(tmp_path: Path) -> None:
    """A mask that was saved mirrored has the shape of its image, and would teach nonsense."""
    affine = AFFINES["anisotropic"]
    source = _volumes(tmp_path / "in", affine)
    out = convert_folders(source / "images", source / "masks", out=tmp_path / "out").dataset
    mirrored = affine.copy()
    mirrored[0, 0] *= -1
    _moved(source / "masks" / "s1.nii.gz", mirrored)
    with pytest.raises(UserError, match=r"masks/s1\.nii\.gz lies 8 mm away from .*images/s1\.nii\.gz"):
        convert_folders(source / "images", source / "masks", out=tmp_path / "none")
    _moved(out / "labelsTr" / "s1.nii.gz", mirrored)
    dataset = open_dataset(out)
    with pytest.raises(UserError, match=r"labelsTr/s1\.nii\.gz lies 8 mm away from s1_0000\.nii\.gz"):
        open_slices(dataset, size=16)
    assert [("labelsTr/s1" in one, "affines differ" in one) for one in inspect_dataset(out)["problems"]] == [
        (True, True)
    ]


def test_channels_on_another_grid_are_named(tmp_path: Path) -> None:
    affine = AFFINES["oblique"]
    source = _volumes(tmp_path / "in", affine, channels=2)
    dataset = open_dataset(convert_folders(source / "images", source / "masks", out=tmp_path / "out").dataset)
    moved = affine.copy()
    moved[2, 3] += 2
    _moved(dataset.root / "imagesTr" / "s2_0001.nii.gz", moved)
    with pytest.raises(UserError, match=r"s2_0001\.nii\.gz lies 2 mm away from s2_0000\.nii\.gz"):
        dataset.read_image(dataset.cases[2])
