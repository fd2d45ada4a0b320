"""Pictures are read by what they hold, and damaged ones are refused before they take memory."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmint.data.convert.pictures import read_image
from segmint.errors import UserError


@pytest.mark.parametrize("kind", ["JPEG", "BMP", "GIF"])
def test_another_kind_under_a_png_name_is_read(kind: str, tmp_path: Path) -> None:
    Image.fromarray(np.full((16, 20), 80, np.uint8)).save(tmp_path / "x.png", format=kind)
    channels = read_image(tmp_path / "x.png").channels
    assert channels.shape == (1, 16, 20)
    assert abs(int(channels[0, 0, 0]) - 80) <= 2


@pytest.mark.parametrize("name", ["x.png", "x.jpg"])
def test_a_chunk_that_is_said_to_be_gigabytes_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)).save(path, format="PNG")
    content = bytearray(path.read_bytes())
    content[33:37] = b"\x7f\xff\xff\xff"
    path.write_bytes(content)
    with pytest.raises(UserError, match="ends within a chunk"):
        read_image(path)


@pytest.mark.parametrize("name", ["x.png", "x.jpg"])
def test_colour_of_sixteen_bits_is_refused_under_any_name(name: str, tmp_path: Path) -> None:
    """Pillow reads such a file as 8 bits."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(4 * (1 + 4 * 6)))),
        (b"IEND", b""),
    ]
    content = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    with pytest.raises(UserError, match="is a 16-bit colour PNG"):
        read_image(tmp_path / name)
