"""MetaImage volumes, read only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from segmint.data.formats.mha import read_mha
from segmint.errors import UserError


@pytest.fixture
def simpleitk() -> Any:
    return pytest.importorskip("SimpleITK", reason="SimpleITK is not installed (extra itk)")


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32])
def test_the_same_place_as_nifti_gives(simpleitk: Any, tmp_path: Path, dtype: Any) -> None:
    """SimpleITK writes one oblique, anisotropic volume in both formats; nibabel is the judge."""
    image = simpleitk.GetImageFromArray(np.random.default_rng(0).integers(0, 200, (5, 6, 7)).astype(dtype))
    image.SetSpacing((0.5, 0.75, 3.0))
    image.SetOrigin((10.0, -20.0, 30.0))
    image.SetDirection((0.0, 1.0, 0.0, 0.6, 0.0, -0.8, -0.8, 0.0, -0.6))
    for name in ("volume.mha", "volume.nii.gz"):
        simpleitk.WriteImage(image, str(tmp_path / name))
    values, geometry = read_mha(tmp_path / "volume.mha")
    judge = nibabel.load(tmp_path / "volume.nii.gz")
    assert values.dtype == geometry.dtype == dtype
    assert np.array_equal(values[0], np.asanyarray(judge.dataobj))
    assert geometry.shape == (7, 6, 5)
    assert geometry.spacing == (0.5, 0.75, 3.0)
    assert np.allclose(geometry.affine, judge.affine, atol=1e-4)


def test_what_is_no_volume_is_refused(simpleitk: Any, tmp_path: Path) -> None:
    path = tmp_path / "volume.mha"
    with pytest.raises(UserError, match="does not exist"):
        read_mha(path)
    simpleitk.WriteImage(simpleitk.GetImageFromArray(np.zeros((4, 5), np.uint8)), str(path))
    with pytest.raises(UserError, match=r"volume\.mha is damaged or not a 3-D \.mha volume \(NDims is '2', not 3\)"):
        read_mha(path)
    simpleitk.WriteImage(simpleitk.GetImageFromArray(np.zeros((3, 4, 5, 2), np.uint8), isVector=True), str(path))
    with pytest.raises(UserError, match="ElementNumberOfChannels is '2', not 1"):
        read_mha(path)
    simpleitk.WriteImage(simpleitk.GetImageFromArray(np.zeros((3, 4, 5), np.int16)), str(path))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"volume\.mha is damaged") as caught:
        read_mha(path)
    assert "\n" not in str(caught.value)


def test_a_header_cannot_point_to_another_file(simpleitk: Any, tmp_path: Path) -> None:
    (tmp_path / "secret.raw").write_bytes(bytes(60))
    path = tmp_path / "volume.mha"
    simpleitk.WriteImage(simpleitk.GetImageFromArray(np.zeros((3, 4, 5), np.uint8)), str(path))
    header = path.read_bytes().partition(b"ElementDataFile")[0]
    for lines in (
        b"ElementDataFile = secret.raw\n",
        b"Comment = ElementDataFile = LOCAL\nElementDataFile = secret.raw\n",
        b"ElementDataFile: secret.raw\nElementDataFile = LOCAL\n",
    ):
        path.write_bytes(header + lines + bytes(60))
        with pytest.raises(UserError, match="keeps its voxels in another file"):
            read_mha(path)


def test_damaged_packed_voxels_are_never_memory_as_it_happens_to_be(simpleitk: Any, tmp_path: Path) -> None:
    """MetaIO goes on after a failed decompression, with voxels of whatever was there before."""
    path = tmp_path / "volume.mha"
    values = np.random.default_rng(0).integers(0, 9, (6, 7, 8)).astype(np.int16)
    simpleitk.WriteImage(simpleitk.GetImageFromArray(values), str(path), True)
    intact = path.read_bytes()
    assert np.array_equal(read_mha(path)[0][0], values.T)
    start = intact.index(b"LOCAL\n") + 6
    for place in range(start, len(intact), 9):
        damaged = bytearray(intact)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"volume\.mha is damaged"):
            read_mha(path)


def test_metadata_of_other_tools_are_left_alone(simpleitk: Any, tmp_path: Path) -> None:
    """ITK writes whatever it found in other formats, under any name and of any length."""
    path = tmp_path / "volume.mha"
    image = simpleitk.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5))
    for name in ("0008|0060", "dim[0]", "NRRD_kinds[0]", "Patient Name", "Orientation", "a: b"):
        image.SetMetaData(name, "axial" if name == "Orientation" else "x" * 1100)
    simpleitk.WriteImage(image, str(path))
    header, voxels = path.read_bytes().split(b"LOCAL\n")
    path.write_bytes(b"Comment = one\n\nComment = \xc3\xa9 = 3\n" + header + b"LOCAL\n" + voxels)
    assert np.array_equal(read_mha(path)[0][0].T, np.arange(60).reshape(3, 4, 5))


CHANGES = {
    "as written": (b"", b""),
    "carriage returns": (b"\n", b"\r\n"),
    "colons": (b" = ", b": "),
    "position": (b"Offset = 0 0 0", b"Position = 1 2 3"),
    "two places": (b"Offset = 0 0 0", b"Position = 1 2 3\nOffset = 5 6 7"),
    "size": (b"ElementSpacing = 1 1 1", b"ElementSize = 2 3 4"),
    "two sizes": (b"ElementSpacing = 1 1 1", b"ElementSize = 2 3 4\nElementSpacing = 1 2 3"),
    "directions": (b"1 0 0 0 1 0 0 0 1", b"0 1 0 0.6 0 -0.8 -0.8 0 -0.6"),
    "orientation": (b"TransformMatrix = 1 0 0 0 1 0 0 0 1", b"Orientation = 0 1 0 1 0 0 0 0 1"),
    "big-endian": (b"MSB = False", b"MSB = True"),
    "from the end": (b"DimSize", b"HeaderSize = -1\nDimSize"),
    "from here": (b"DimSize", b"HeaderSize = 0\nDimSize"),
    "slope": (b"DimSize", b"ElementToIntensityFunctionSlope = 2\nDimSize"),
    "no word of text": (b"BinaryData = True\n", b""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_headers_say_what_they_say_to_itk(change: str, simpleitk: Any, tmp_path: Path) -> None:
    path = tmp_path / "volume.mha"
    simpleitk.WriteImage(simpleitk.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5)), str(path))
    header, voxels = path.read_bytes().split(b"LOCAL\n")
    header += b"LOCAL\n"
    before, after = CHANGES[change]
    assert before in header
    path.write_bytes((header.replace(before, after) if before else header) + voxels)
    judge = simpleitk.ReadImage(str(path))
    values, geometry = read_mha(path)
    assert np.array_equal(values[0].T, simpleitk.GetArrayFromImage(judge))
    assert geometry.spacing == judge.GetSpacing()
    far = judge.TransformIndexToPhysicalPoint((4, 3, 2))
    assert np.allclose(geometry.affine @ (4, 3, 2, 1), (-far[0], -far[1], far[2], 1))
