"""Files that say they are huge, or become huge, are refused before memory is taken for them."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel
import numpy as np
import pytest
import tifffile
from PIL import Image

from segmint.data.formats import find_format
from segmint.data.formats.memory import check_inflated, memory_limit
from segmint.data.formats.mha import read_mha
from segmint.errors import UserError

LITTLE = 20_000_000
"""Bytes that a refusal may take."""


@pytest.fixture(autouse=True)
def _measured(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("SEGMINT_MEMORY_GB", raising=False)
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < LITTLE


def _nifti(shape: tuple[int, ...]) -> bytes:
    header = nibabel.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape(shape)
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    return bytes(header.binaryblock) + bytes(4)


def _claiming_nifti(path: Path) -> None:
    path.write_bytes(_nifti((30000, 30000, 30)) + bytes(100))


def _claiming_packed_nifti(path: Path) -> None:
    path.write_bytes(gzip.compress(_nifti((30000, 30000, 30)) + bytes(100)))


def _short_packed_nifti(path: Path) -> None:
    """It may hold so much, but does not."""
    path.write_bytes(gzip.compress(_nifti((600, 600, 600)) + bytes(100)))


def _bomb_behind_voxels(path: Path) -> None:
    """A gigabyte more than the voxels, in a megabyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = [packer.compress(_nifti((2, 2, 2)) + bytes(16))]
    packed += [packer.compress(bytes(1 << 20)) for _ in range(80)]
    path.write_bytes(b"".join([*packed, packer.flush()]))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _claiming_png(path: Path) -> None:
    start = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", start) + _chunk(b"IDAT", zlib.compress(bytes(99))) + _chunk(b"IEND", b"")
    )


def _claiming_tiff(path: Path) -> None:
    """The two sides of the picture are entries of its only directory."""
    tifffile.imwrite(path, np.zeros((8, 8), np.uint16), metadata=None, compression="zlib")
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as handle:
        tags = handle.pages[0].tags
        for name in ("ImageWidth", "ImageLength", "RowsPerStrip"):
            content[tags[name].valueoffset : tags[name].valueoffset + 2] = struct.pack("<H", 60000)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        (
            "a.nii",
            _claiming_nifti,
            "says it holds 30000 x 30000 x 30 values, whose reading takes 216 GB, more than the 2 GB",
        ),
        ("a.nii.gz", _claiming_packed_nifti, "says it holds 30000 x 30000 x 30 values"),
        ("a.nii.gz", _short_packed_nifti, "ends before its voxels do"),
        ("a.png", _claiming_png, "says it holds 60000 x 60000 x 1 values"),
        ("a.tif", _claiming_tiff, "says it holds 60000 x 60000 values"),
    ],
)
def test_what_a_header_claims(name: str, make: Callable[[Path], None], said: str, tmp_path: Path) -> None:
    make(tmp_path / name)
    with pytest.raises(UserError, match=said) as caught:
        find_format(name[1:], where=tmp_path).read_image(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_what_an_mha_header_claims(tmp_path: Path) -> None:
    packed = ["CompressedData = True", f"CompressedDataSize = {10**15}"]
    for size, more, said in (("9000 9000 90", [], "says it holds 9000 x 9000 x 90"), ("9 9 9", packed, "ends before")):
        lines = ["ObjectType = Image", "NDims = 3", f"DimSize = {size}", "ElementType = MET_SHORT", *more]
        (tmp_path / "a.mha").write_text("\n".join([*lines, "ElementDataFile = LOCAL", ""]))
        with pytest.raises(UserError, match=said):
            read_mha(tmp_path / "a.mha")


def test_what_becomes_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMINT_MEMORY_GB", "0.05")
    _bomb_behind_voxels(tmp_path / "a.nii.gz")
    with pytest.raises(UserError, match=r"becomes, or may become, longer than 0\.05 GB when it is decompressed"):
        find_format(".nii.gz", where=tmp_path).read_image(tmp_path / "a.nii.gz")
    packer = zlib.compressobj(9)
    packed = b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(60)), packer.flush()])
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8), np.uint8), metadata=None, compression="zlib")
    content = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as handle:
        tags = handle.pages[0].tags
        for name, value in (("StripOffsets", len(content)), ("StripByteCounts", len(packed))):
            size = (tags[name].dtype_name == "SHORT" and 2) or 4
            assert value < 1 << 8 * size
            content[tags[name].valueoffset : tags[name].valueoffset + size] = value.to_bytes(size, "little")
    (tmp_path / "a.tif").write_bytes(bytes(content) + packed)
    with pytest.raises(UserError, match=r"a\.tif becomes, or may become, longer than 0\.05 GB"):
        find_format(".tif", where=tmp_path).read_image(tmp_path / "a.tif")


def test_the_limit_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory_limit() == 2_000_000_000
    monkeypatch.setenv("SEGMINT_MEMORY_GB", "0.000001")
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(UserError, match="more than the 1e-06 GB allowed for one file: set SEGMINT_MEMORY_GB higher"):
        find_format(".png", where=tmp_path).read_image(tmp_path / "a.png")
    for wrong in ("much", "0", "-1", "nan", "inf"):
        monkeypatch.setenv("SEGMINT_MEMORY_GB", wrong)
        with pytest.raises(UserError, match=f'SEGMINT_MEMORY_GB is "{wrong}": give it gigabytes'):
            memory_limit()


def test_streams_that_cannot_be_long_are_not_looked_into(tmp_path: Path) -> None:
    check_inflated(tmp_path, b"no stream at all")
