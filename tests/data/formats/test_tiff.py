"""TIFF is lossless for every common type, in 2-D."""

from __future__ import annotations

import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from segmint.data.formats.tiff import Tiff, count_pages
from segmint.errors import UserError

SIDES = st.integers(1, 9)
TIFF = Tiff()


@settings(deadline=None, max_examples=30)
@given(
    image=st.tuples(
        st.sampled_from([np.uint8, np.uint16, np.int16, np.float32]), st.sampled_from([1, 3]), SIDES, SIDES
    ).flatmap(lambda drawn: arrays(drawn[0], drawn[1:]))
)
def test_images_come_back_exactly(image: np.ndarray) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.tif"
        TIFF.write_image(path, image, spacing=None, affine=None)
        back = TIFF.read_image(path)
        assert back.dtype == image.dtype
        assert np.array_equal(back, image, equal_nan=image.dtype.kind == "f")
        assert (TIFF.geometry(path).channels, TIFF.geometry(path).shape) == (image.shape[0], image.shape[1:])


@settings(deadline=None, max_examples=10)
@given(label=st.tuples(SIDES, SIDES).flatmap(lambda shape: arrays(np.uint8, shape)))
def test_labels_come_back_exactly(label: np.ndarray) -> None:
    with TemporaryDirectory() as folder:
        TIFF.write_label(Path(folder) / "x.tif", label, spacing=None, affine=None)
        assert np.array_equal(TIFF.read_label(Path(folder) / "x.tif"), label)


def test_equal_pixels_make_equal_files(tmp_path: Path) -> None:
    image = np.arange(12, dtype=np.uint16).reshape(1, 3, 4)
    TIFF.write_image(tmp_path / "a.tif", image, spacing=None, affine=None)
    TIFF.write_image(tmp_path / "b.tif", image, spacing=None, affine=None)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", None])
def test_files_of_other_writers_are_read(tmp_path: Path, dtype: type, compression: str | None) -> None:
    pixels = np.arange(63, dtype=dtype).reshape(7, 9) * 3
    Image.fromarray(pixels).save(tmp_path / "x.tif", compression=compression)
    assert np.array_equal(TIFF.read_image(tmp_path / "x.tif")[0], pixels)


def test_lzw_colour_is_read(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (5, 6, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.tif", compression="tiff_lzw")
    assert np.array_equal(TIFF.read_image(tmp_path / "x.tif"), np.moveaxis(pixels, -1, 0))


def test_planar_colour_is_read(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (3, 5, 6)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "x.tif", pixels, photometric="rgb", planarconfig="separate")
    assert np.array_equal(TIFF.read_image(tmp_path / "x.tif"), pixels)


def test_float_labels_must_be_whole_numbers(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "x.tif", np.array([[0, 2.0]], np.float32))
    assert TIFF.read_label(tmp_path / "x.tif").tolist() == [[0, 2]]
    tifffile.imwrite(tmp_path / "x.tif", np.array([[0, 0.5]], np.float32))
    with pytest.raises(UserError, match="whole numbers"):
        TIFF.read_label(tmp_path / "x.tif")


def test_stacks_palettes_and_alpha_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, np.zeros((4, 5, 6), np.uint8), photometric="minisblack")
    with pytest.raises(UserError, match="stack of pages"):
        TIFF.read_image(path)
    Image.new("P", (4, 4)).save(path)
    with pytest.raises(UserError, match="palette"):
        TIFF.geometry(path)
    Image.new("RGBA", (4, 4)).save(path)
    with pytest.raises(UserError, match="alpha"):
        TIFF.read_image(path)
    tifffile.imwrite(path, np.zeros((4, 5), np.complex64))
    with pytest.raises(UserError, match="complex64"):
        TIFF.read_image(path)


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.95])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_cut_files_are_named(tmp_path: Path, part: float, compression: str | None) -> None:
    path = tmp_path / "x.tif"
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
    tifffile.imwrite(path, pixels, compression=compression)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(UserError, match=r"x\.tif is damaged.*intact copy"):
        TIFF.read_image(path)


def test_a_picture_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, np.zeros((8, 8, 3), np.uint8), photometric="rgb", metadata=None)
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as handle:
        tag = handle.pages[0].tags["ImageLength"]
        content[tag.valueoffset : tag.valueoffset + 2] = bytes(2)
    path.write_bytes(content)
    for read in (Tiff().read_image, Tiff().geometry):
        with pytest.raises(UserError, match=r"x\.tif has no pixels"):
            read(path)


@pytest.mark.parametrize(
    ("tag", "value", "said"),
    [
        ("StripOffsets", 0, "said to lie in its header"),
        ("StripByteCounts", 0, "parts of its pixels are missing"),
        ("ImageLength", 4_000_000, "parts of its pixels are missing"),
        ("BitsPerSample", 13, "is damaged or not a TIFF"),
    ],
)
def test_headers_that_promise_more_than_there_is(tag: str, value: int, said: str, tmp_path: Path) -> None:
    """Without a look at them, pixels of other parts of the file, zeros, minutes of nothing, and a traceback."""
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, np.ones((12, 12), np.uint8), rowsperstrip=12, metadata=None)
    with tifffile.TiffFile(path, mode="r+b") as handle:
        handle.pages[0].tags[tag].overwrite(value)
    with pytest.raises(UserError, match=said):
        TIFF.read_image(path)


@pytest.mark.parametrize("bigtiff", [False, True])
def test_pages_that_go_round_in_a_circle(bigtiff: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, np.ones((12, 12), np.uint8), metadata=None, bigtiff=bigtiff)
    assert TIFF.read_image(path).shape == (1, 12, 12)
    with tifffile.TiffFile(path, mode="r+b") as handle:
        first = handle.pages[0].offset
        number, entry, pointer = ("<Q", 20, "<Q") if bigtiff else ("<H", 12, "<I")
        end = first + struct.calcsize(number) + len(handle.pages[0].tags) * entry
        handle.filehandle.seek(end)
        handle.filehandle.write(struct.pack(pointer, first))
    for read in (TIFF.read_image, TIFF.geometry, count_pages):
        with pytest.raises(UserError, match="go round in a circle"):
            read(path)


@pytest.mark.parametrize("place", ["header", "count", "next"])
def test_places_beyond_what_a_file_can_be(place: str, tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, np.ones((12, 12), np.uint8), metadata=None, bigtiff=True)
    content = bytearray(path.read_bytes())
    (first,) = struct.unpack_from("<Q", content, 8)
    (count,) = struct.unpack_from("<Q", content, first)
    struct.pack_into("<Q", content, {"header": 8, "count": first, "next": first + 8 + 20 * count}[place], 2**64 - 1)
    path.write_bytes(content)
    try:
        pixels = TIFF.read_image(path)
    except UserError:
        return
    np.testing.assert_array_equal(pixels, np.ones((1, 12, 12)))
