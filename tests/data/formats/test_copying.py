"""Copies of NIfTI keep every voxel and drop every text."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from nibabel.nifti1 import Nifti1Extension

from segmint.data.formats.copying import copy_channel, copy_image
from segmint.data.formats.nifti import Nifti
from segmint.errors import UserError

AFFINE = np.array([[0.0, -1.5, 0.1, 10.0], [2.0, 0.0, 0.0, -20.0], [0.0, 0.2, 3.0, 5.0], [0.0, 0.0, 0.0, 1.0]])


def _planted(path: Path, kind: Any, *, endianness: str = "<") -> np.ndarray:
    """A scaled volume with a patient's name in every text of its header, and in two extensions."""
    voxels = np.random.default_rng(0).integers(-500, 500, (5, 4, 3)).astype(f"{endianness}i2")
    header = kind.header_class(endianness=endianness)
    header.set_data_dtype(voxels.dtype)
    image = kind(voxels, AFFINE, header)
    for text in ("descrip", "aux_file", "intent_name", "db_name", "data_type"):
        if text in image.header:
            image.header[text] = b"Jane Doe"
    image.header.set_slope_inter(2.0, 3.0)
    image.header.extensions.append(Nifti1Extension("comment", b"Jane Doe 1961-02-03"))
    image.header.extensions.append(Nifti1Extension("comment", b"Sankt Nimmerlein"))
    nibabel.save(image, path)
    return nibabel.load(path).get_fdata()


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("endianness", "<>")
def test_texts_and_extensions_are_left_out(kind: Any, ending: str, endianness: str, tmp_path: Path) -> None:
    values = _planted(tmp_path / f"in{ending}", kind, endianness=endianness)
    target = tmp_path / f"out{ending}"
    copy_image(tmp_path / f"in{ending}", target)
    content = gzip.decompress(target.read_bytes()) if ending.endswith("gz") else target.read_bytes()
    assert b"Jane" not in content
    assert b"Nimmerlein" not in content
    copy = nibabel.load(target)
    assert np.array_equal(copy.get_fdata(), values)
    assert np.array_equal(copy.affine, nibabel.load(tmp_path / f"in{ending}").affine)
    assert not copy.header.extensions
    assert np.array_equal(Nifti().read_image(target)[0], values)


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("endianness", "<>")
def test_a_channel_is_a_volume_of_its_own(kind: Any, endianness: str, tmp_path: Path) -> None:
    values = _planted(tmp_path / "in.nii", kind, endianness=endianness)
    stored = nibabel.load(tmp_path / "in.nii")
    for channel in range(3):
        copy_channel(tmp_path / "in.nii", tmp_path / "out.nii.gz", channel=channel, shape=(5, 1, 4), affine=AFFINE)
        assert b"Jane" not in gzip.decompress((tmp_path / "out.nii.gz").read_bytes())
        copy = nibabel.load(tmp_path / "out.nii.gz")
        assert np.array_equal(copy.get_fdata()[:, 0], values[..., channel])
        assert np.allclose(copy.affine, AFFINE)
        assert copy.get_data_dtype() == stored.get_data_dtype()
    copy_channel(tmp_path / "in.nii", tmp_path / "same.nii", channel=0, shape=(5, 4, 3), affine=None)
    copy_image(tmp_path / "in.nii", tmp_path / "image.nii")
    assert (tmp_path / "same.nii").read_bytes() == (tmp_path / "image.nii").read_bytes()


def test_the_place_of_a_copy_is_in_millimetres(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.zeros((1, 4, 5), np.uint8), np.diag([900.0, 500, 700, 1]))
    image.header.set_xyzt_units("micron")
    nibabel.save(image, tmp_path / "in.nii")
    copy_channel(
        tmp_path / "in.nii", tmp_path / "a.nii", channel=0, shape=(4, 5, 1), affine=np.diag([0.5, 0.7, 0.9, 1])
    )
    assert Nifti().geometry(tmp_path / "a.nii").spacing == pytest.approx((0.5, 0.7, 0.9))


def test_other_files_are_copied_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"whatever")
    copy_image(tmp_path / "a.png", tmp_path / "b.png")
    assert (tmp_path / "b.png").read_bytes() == b"whatever"
    copy_channel(tmp_path / "a.png", tmp_path / "c.png", channel=0, shape=(3, 4, 1), affine=None)
    assert (tmp_path / "c.png").read_bytes() == b"whatever"


def test_damaged_files_are_named(tmp_path: Path) -> None:
    for name, content in (("a.nii.gz", b"no gzip"), ("b.nii", b"short"), ("c.nii", bytes(352))):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=f"{name} is damaged or not a NIfTI"):
            copy_image(tmp_path / name, tmp_path / "out.nii")
    assert not (tmp_path / "out.nii").exists()
