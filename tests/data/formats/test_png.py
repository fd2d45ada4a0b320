"""PNG is lossless in 8 and 16 bits, and refuses what it would have to change."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from segmint.data.formats.png import Png
from segmint.errors import UserError

SIDES = st.integers(1, 9)
PNG = Png()


@settings(deadline=None, max_examples=25)
@given(
    image=st.one_of(
        st.tuples(st.just(1), SIDES, SIDES).flatmap(lambda shape: arrays(np.uint8, shape)),
        st.tuples(st.just(1), SIDES, SIDES).flatmap(lambda shape: arrays(np.uint16, shape)),
        st.tuples(st.just(3), SIDES, SIDES).flatmap(lambda shape: arrays(np.uint8, shape)),
    )
)
def test_images_come_back_exactly(image: np.ndarray) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.png"
        PNG.write_image(path, image, spacing=None, affine=None)
        back = PNG.read_image(path)
        assert back.dtype == image.dtype
        assert np.array_equal(back, image)
        geometry = PNG.geometry(path)
        assert (geometry.channels, geometry.shape, geometry.dtype) == (image.shape[0], image.shape[1:], image.dtype)


@settings(deadline=None, max_examples=15)
@given(label=st.tuples(SIDES, SIDES).flatmap(lambda shape: arrays(np.uint8, shape)))
def test_labels_come_back_exactly(label: np.ndarray) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.png"
        PNG.write_label(path, label, spacing=None, affine=None)
        assert np.array_equal(PNG.read_label(path), label)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_labels_of_few_bits_keep_their_ids(tmp_path: Path, bits: int) -> None:
    ids = np.arange(2**bits, dtype=np.uint8)[None].repeat(3, axis=0)
    if bits == 1:
        Image.fromarray(ids.astype(bool)).save(tmp_path / "x.png")
    else:
        _write_grey(tmp_path / "x.png", ids, bits)
    assert np.array_equal(PNG.read_label(tmp_path / "x.png"), ids)


def _write_grey(path: Path, ids: np.ndarray, bits: int) -> None:
    """A grey PNG of 2 or 4 bits, chunk by chunk: Pillow writes none."""
    import struct
    import zlib

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    rows = b""
    for row in ids:
        word = "".join(f"{int(value):0{bits}b}" for value in row)
        word += "0" * (-len(word) % 8)
        rows += b"\0" + bytes(int(word[start : start + 8], 2) for start in range(0, len(word), 8))
    header = struct.pack(">IIBBBBB", ids.shape[1], ids.shape[0], bits, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("mode", "said"), [("P", "a palette"), ("RGBA", "an alpha channel"), ("LA", "an alpha channel")]
)
def test_palette_and_alpha_are_refused(tmp_path: Path, mode: str, said: str) -> None:
    path = tmp_path / "x.png"
    Image.new(mode, (4, 4)).save(path)
    with pytest.raises(UserError, match=f"x.png has {said}: save it as plain grey or RGB"):
        PNG.read_image(path)


def test_16_bit_colour_is_refused_rather_than_cut_to_8(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    Image.new("RGB", (4, 4)).save(path)
    content = bytearray(path.read_bytes())
    content[24] = 16
    path.write_bytes(bytes(content))
    with pytest.raises(UserError, match="16-bit colour"):
        PNG.read_image(path)


def test_a_colour_label_map_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "x.png")
    with pytest.raises(UserError, match="colour picture where a label map"):
        PNG.read_label(tmp_path / "x.png")


@pytest.mark.parametrize("damage", ["cut", "flip", "text", "empty", "no pixels", "long chunk"])
def test_damaged_files_are_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "x.png"
    rng = np.random.default_rng(0)
    PNG.write_image(path, rng.integers(0, 255, (1, 64, 64)).astype(np.uint8), spacing=None, affine=None)
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "flip":
        content[len(content) // 2] ^= 0xFF
    elif damage == "no pixels":
        # Signature and header, 8 + 25 bytes, and the end, 12.
        content = content[:33] + content[-12:]
    elif damage == "long chunk":
        # The second chunk holds the pixels, and says that it holds two gigabytes.
        content[33:37] = b"\x7f\xff\xff\xff"
    else:
        content = bytearray(b"hello, this is no picture at all" if damage == "text" else b"")
    path.write_bytes(bytes(content))
    with pytest.raises(UserError, match=r"x\.png is (damaged|not a PNG).*intact copy"):
        PNG.read_image(path)


def test_what_png_cannot_hold_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="uint8 or uint16"):
        PNG.write_image(tmp_path / "x.png", np.zeros((1, 2, 2), np.float32), spacing=None, affine=None)
    with pytest.raises(ValueError, match="16-bit colour"):
        PNG.write_image(tmp_path / "x.png", np.zeros((3, 2, 2), np.uint16), spacing=None, affine=None)
