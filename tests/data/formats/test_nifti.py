"""NIfTI keeps voxels, types and the affine."""

from __future__ import annotations

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segmint.data.formats.nifti import Nifti, slice_affine
from segmint.errors import UserError

SIDES = st.integers(1, 5)
NIFTI = Nifti()
AFFINE = np.array([[0.0, -1.5, 0.0, 10.0], [2.0, 0.0, 0.0, -20.0], [0.0, 0.0, 3.0, 5.0], [0.0, 0.0, 0.0, 1.0]])


@settings(deadline=None, max_examples=30)
@given(
    image=st.tuples(
        st.sampled_from([np.uint8, np.int16, np.uint16, np.int32, np.float32]), SIDES, SIDES, SIDES
    ).flatmap(lambda drawn: arrays(drawn[0], (1, *drawn[1:]))),
    ending=st.sampled_from([".nii", ".nii.gz"]),
)
def test_images_and_affine_come_back_exactly(image: np.ndarray, ending: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"x{ending}"
        NIFTI.write_image(path, image, spacing=None, affine=AFFINE)
        back, geometry = NIFTI.read_image(path), NIFTI.geometry(path)
        assert back.dtype == image.dtype
        assert np.array_equal(back, image, equal_nan=image.dtype.kind == "f")
        assert np.array_equal(geometry.affine, AFFINE)
        assert geometry.spacing == (2.0, 1.5, 3.0)
        assert geometry.shape == image.shape[1:]
        assert np.array_equal(nibabel.load(path).affine, AFFINE)


def test_a_2d_image_is_stored_as_one_slice_with_spacing(tmp_path: Path) -> None:
    path = tmp_path / "x.nii.gz"
    image = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    NIFTI.write_image(path, image, spacing=(0.5, 0.75, 4.0), affine=None)
    stored = nibabel.load(path)
    assert stored.shape == (3, 4, 1)
    assert stored.header.get_zooms() == (0.5, 0.75, 4.0)
    assert stored.header.get_xyzt_units()[0] == "mm"
    assert np.array_equal(NIFTI.read_image(path)[0, ..., 0], image[0])


def test_equal_voxels_make_equal_files(tmp_path: Path) -> None:
    for name in "ab":
        NIFTI.write_label(tmp_path / f"{name}.nii.gz", np.ones((2, 3), np.uint8), spacing=(1, 2), affine=None)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_scale_factors_of_the_header_are_applied(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.array([[[1, 2]]], dtype=np.int16), np.eye(4))
    image.header.set_slope_inter(2.0, -1.0)
    nibabel.save(image, tmp_path / "x.nii")
    raw = tmp_path / "x.nii"
    expected = nibabel.load(raw).get_fdata()
    assert np.array_equal(NIFTI.read_image(raw)[0], expected)


def test_nifti_2_and_big_endian_are_read(tmp_path: Path) -> None:
    values = np.arange(8, dtype=np.int16).reshape(2, 2, 2)
    nibabel.save(nibabel.Nifti2Image(values, AFFINE), tmp_path / "two.nii.gz")
    assert np.array_equal(NIFTI.read_image(tmp_path / "two.nii.gz")[0], values)
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(">i2")
    nibabel.save(nibabel.Nifti1Image(values.astype(">i2"), AFFINE, header), tmp_path / "big.nii")
    assert np.array_equal(NIFTI.read_image(tmp_path / "big.nii")[0], values)


def test_4d_images_have_channels_last(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(3, 4, 5, 2)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(values, AFFINE), tmp_path / "x.nii.gz")
    assert np.array_equal(NIFTI.read_image(tmp_path / "x.nii.gz"), np.moveaxis(values, -1, 0))
    assert NIFTI.geometry(tmp_path / "x.nii.gz").channels == 2
    with pytest.raises(UserError, match="4-D: a label map has one value"):
        NIFTI.read_label(tmp_path / "x.nii.gz")


def test_float_labels_must_be_whole_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.nii"
    nibabel.save(nibabel.Nifti1Image(np.array([[[0.0, 2.0]]]), np.eye(4)), path)
    assert NIFTI.read_label(path).tolist() == [[[0, 2]]]
    nibabel.save(nibabel.Nifti1Image(np.array([[[0.0, 0.4]]]), np.eye(4)), path)
    with pytest.raises(UserError, match="whole numbers"):
        NIFTI.read_label(path)


def test_colour_and_complex_voxels_are_refused(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 2, 2), np.complex64), np.eye(4)), tmp_path / "x.nii")
    with pytest.raises(UserError, match="complex64"):
        NIFTI.read_image(tmp_path / "x.nii")


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("part", [0.0, 0.02, 0.5, 0.99])
def test_cut_files_are_named(tmp_path: Path, ending: str, part: float) -> None:
    path = tmp_path / f"x{ending}"
    voxels = np.random.default_rng(0).integers(0, 999, (1, 16, 16, 16)).astype(np.int16)
    NIFTI.write_image(path, voxels, spacing=None, affine=None)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(UserError, match=r"x\.nii.* is damaged.*intact copy"):
        NIFTI.read_image(path)


def test_a_flipped_byte_is_found_by_the_checksum(tmp_path: Path) -> None:
    path = tmp_path / "x.nii.gz"
    NIFTI.write_image(path, np.zeros((1, 8, 8, 8), np.int16), spacing=None, affine=None)
    raw = bytearray(gzip.decompress(path.read_bytes()))
    stored = bytearray(gzip.compress(bytes(raw), compresslevel=0))
    stored[len(stored) // 2] ^= 1
    path.write_bytes(bytes(stored))
    with pytest.raises(UserError, match="damaged"):
        NIFTI.read_image(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"x\.nii does not exist"):
        NIFTI.geometry(tmp_path / "x.nii")
    with pytest.raises(UserError, match=r"x\.nii does not exist"):
        NIFTI.read_image(tmp_path / "x.nii")


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_affine_of_a_slice_points_where_the_volume_does(axis: int) -> None:
    moved = slice_affine(AFFINE, axis=axis, index=4)
    in_slice = (2, 3)
    in_volume = np.insert(np.array(in_slice, dtype=float), axis, 4)
    assert np.allclose(moved @ [*in_slice, 0, 1], AFFINE @ [*in_volume, 1])
