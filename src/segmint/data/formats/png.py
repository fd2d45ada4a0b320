"""PNG: 8 and 16-bit grey, and 8-bit RGB, through Pillow."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from segmint.data.formats.format import AnyArray, Geometry, reason
from segmint.data.formats.memory import FLOAT32, check_memory
from segmint.errors import UserError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What Pillow raises on damaged pictures. LookupError: it verifies the pixels of files that hold none.
DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    LookupError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGB_ALPHA = 0, 2, 3, 4, 6
_KINDS = {_PALETTE: "a palette", _GREY_ALPHA: "an alpha channel", _RGB_ALPHA: "an alpha channel"}


class Png:
    """Grey or RGB PNG. Palettes, alpha and 16-bit colour are refused, because reading them would change values."""

    endings: tuple[str, ...] = (".png",)
    dimensions = frozenset({2})
    holds_float = False

    def geometry(self, path: Path) -> Geometry:
        width, height, bits, colour = _header(path)
        dtype = np.dtype(np.uint16) if bits == 16 else np.dtype(np.uint8)
        return Geometry((height, width), 3 if colour == _RGB else 1, dtype)

    def read_image(self, path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
        _, _, bits, _ = _header(path)
        if bits == 1:
            raise UserError(
                f"{path} is a 1-bit PNG, which is a mask rather than an image: save it as 8 or 16-bit grey."
            )
        pixels = _decode(path)
        return np.moveaxis(pixels, -1, 0) if pixels.ndim == 3 else pixels[None]

    def read_label(self, path: Path) -> AnyArray:
        _, _, bits, colour = _header(path)
        if colour == _RGB:
            raise UserError(
                f"{path} is a colour picture where a label map is expected: save the label ids 0, 1, 2, ... as 8-bit "
                "grey."
            )
        pixels = _decode(path)
        if bits in (2, 4):
            # Pillow stretches 2 and 4-bit grey to 0..255; the stored numbers are the ids.
            return pixels // np.uint8(255 // (2**bits - 1))
        return pixels

    def write_image(
        self, path: Path, image: AnyArray, *, spacing: tuple[float, ...] | None, affine: NDArray[np.float64] | None
    ) -> None:
        del spacing, affine  # PNG has no place for them; segmint.json keeps them
        if image.dtype not in (np.uint8, np.uint16) or image.ndim != 3 or image.shape[0] not in (1, 3):
            raise ValueError(f"PNG holds [1 or 3, h, w] of uint8 or uint16, not {image.shape} of {image.dtype}")
        if image.shape[0] == 3 and image.dtype != np.uint8:
            raise ValueError("16-bit colour PNG is not written: use one file a channel")
        _encode(path, np.ascontiguousarray(np.moveaxis(image, 0, -1)) if image.shape[0] == 3 else image[0])

    def write_label(
        self, path: Path, label: AnyArray, *, spacing: tuple[float, ...] | None, affine: NDArray[np.float64] | None
    ) -> None:
        del spacing, affine
        _encode(path, np.ascontiguousarray(label.astype(np.uint8, casting="unsafe")))


def _encode(path: Path, pixels: AnyArray) -> None:
    """Write grey or RGB pixels, lightly compressed: sampling thousands of pairs should not wait for zlib."""
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, format="PNG", compress_level=3)


def _header(path: Path) -> tuple[int, int, int, int]:
    """Width, height, bit depth and colour type (PNG specification, section 11.2.2), refusing what would lose values."""
    try:
        with path.open("rb") as handle:
            start = handle.read(26)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from error
    if len(start) < 26 or start[:8] != SIGNATURE or start[12:16] != b"IHDR":
        raise UserError(f"{path} is not a PNG file, or it is damaged: replace it by an intact copy.")
    width, height, bits, colour = struct.unpack(">IIBB", start[16:26])
    if colour in _KINDS:
        raise UserError(f"{path} has {_KINDS[colour]}: save it as plain grey or RGB PNG.")
    if colour == _RGB and bits == 16:
        raise UserError(f"{path} is a 16-bit colour PNG: save each channel as its own 16-bit grey PNG.")
    return width, height, bits, colour


def check_chunks(path: Path) -> None:
    """Refuse a PNG file with a chunk that is said to go on beyond its end: Pillow takes as much memory as is said.

    Files of other kinds are left alone, whatever their name says.

    Raises:
        UserError: there is one, or the file cannot be read.
    """
    try:
        left = path.stat().st_size - len(SIGNATURE)
        with path.open("rb") as handle:
            if handle.read(len(SIGNATURE)) != SIGNATURE:
                return
            while len(start := handle.read(8)) == 8:
                length, kind = struct.unpack(">I4s", start)
                # Length, kind and checksum are four bytes each.
                left -= length + 12
                if left < 0:
                    raise UserError(f"{path} is damaged (it ends within a chunk): replace it by an intact copy.")
                if kind == b"IEND":
                    return
                handle.seek(length + 4, os.SEEK_CUR)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from error


def _decode(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Decode after checking what the header says, and the checksums of all chunks."""
    width, height, _, colour = _header(path)
    check_chunks(path)
    check_memory(path, (height, width, 3 if colour == _RGB else 1), bytes_a_value=2 * 2 + FLOAT32)
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            picture.verify()
        with Image.open(path, formats=("PNG",)) as picture:
            picture.load()
            pixels = np.array(picture)
    except (UnidentifiedImageError, *DAMAGED) as error:
        raise UserError(
            f"{path} is damaged and cannot be decoded ({reason(error)}): replace it by an intact copy."
        ) from error
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8)
    return pixels.astype(np.uint16) if pixels.dtype.itemsize > 1 else pixels
