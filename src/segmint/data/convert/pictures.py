"""Decoding the pictures people have: JPG, GIF, BMP, palettes and opaque alpha too, as long as no value is guessed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from segmint.data.formats import ending_of, find_format
from segmint.data.formats.format import AnyArray, reason
from segmint.data.formats.memory import FLOAT32, check_memory
from segmint.data.formats.png import DAMAGED, SIGNATURE, check_chunks
from segmint.errors import UserError

LOSSY_ENDINGS = (".jpg", ".jpeg")
PICTURE_ENDINGS = (".png", *LOSSY_ENDINGS, ".gif", ".bmp")
# What a file holds need not be what its ending says. Never PostScript, which Pillow hands to an interpreter.
_DECODED = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
_ORIENTATION = 0x0112


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded image file: [C, *spatial] in its stored type, and what the file knows of its place in the world."""

    channels: AnyArray
    spacing: tuple[float, ...] | None = None
    affine: NDArray[np.float64] | None = None


def source_ending(name: str) -> str | None:
    """The ending of a file that can be converted, lower case, or None."""
    lowered = name.lower()
    picture = next((ending for ending in PICTURE_ENDINGS if lowered.endswith(ending)), None)
    return picture or ending_of(lowered)


def target_ending(source: str) -> str:
    """The file ending a source's pairs are stored with: PNG for pictures, TIFF and NIfTI as they are."""
    if source in PICTURE_ENDINGS:
        return ".png"
    return ".tif" if source in (".tif", ".tiff") else ".nii.gz"


def is_lossy(path: Path) -> bool:
    """Whether the file format changes values when saving."""
    return path.name.lower().endswith(LOSSY_ENDINGS)


def read_image(path: Path) -> Picture:
    """Decode an image.

    Raises:
        UserError: it is damaged, animated, rotated by a tag, or has real transparency or CMYK colours.
    """
    ending = source_ending(path.name) or ""
    if ending not in PICTURE_ENDINGS:
        one_format = find_format(ending, where=path)
        geometry = one_format.geometry(path)
        return Picture(one_format.read_image(path), geometry.spacing, geometry.affine)
    pixels = _decode(path).pixels
    if pixels.dtype == np.bool_:
        raise UserError(
            f"{path} has 1 bit a pixel, which is a mask rather than an image: check which folder holds the images."
        )
    return Picture(np.ascontiguousarray(np.moveaxis(pixels, -1, 0)) if pixels.ndim == 3 else pixels[None])


@dataclass(frozen=True, eq=False)
class Mask:
    """A decoded mask file: [*spatial] whole numbers, whether they are the indices of a colour palette, and its place."""

    values: NDArray[np.int64]
    palette: bool = False
    affine: NDArray[np.float64] | None = None


def read_mask(path: Path) -> Mask:
    """Decode a mask. Colours are read only where they mean a number without guessing: equal channels, palette indices.

    Raises:
        UserError: it is damaged, or a colour picture.
    """
    ending = source_ending(path.name) or ""
    if ending not in PICTURE_ENDINGS:
        one_format = find_format(ending, where=path)
        geometry = one_format.geometry(path)
        if one_format.dimensions == frozenset({2}) and geometry.channels == 3:
            return Mask(_grey(path, np.moveaxis(one_format.read_image(path), 0, -1)))
        return Mask(one_format.read_label(path).astype(np.int64), affine=geometry.affine)
    decoded = _decode(path)
    if decoded.indices is not None:
        return Mask(decoded.indices.astype(np.int64), palette=True)
    pixels = decoded.pixels
    return Mask(_grey(path, pixels) if pixels.ndim == 3 else pixels.astype(np.int64))


@dataclass(frozen=True, eq=False)
class _Decoded:
    """[h, w] or [h, w, 3] pixels; of a palette with true colours the indices too."""

    pixels: AnyArray
    indices: NDArray[np.uint8] | None = None


def _decode(path: Path) -> _Decoded:
    check_chunks(path)
    _refuse_deep_colour(path)
    try:
        with Image.open(path, formats=_DECODED) as picture:
            if getattr(picture, "n_frames", 1) > 1:
                raise UserError(f"{path} is animated: save each frame as its own picture.")
            check_memory(path, (picture.height, picture.width, len(picture.getbands())), bytes_a_value=2 * 2 + FLOAT32)
            orientation = picture.getexif().get(_ORIENTATION, 1)
            if orientation != 1:
                raise UserError(f"{path} is stored rotated (EXIF orientation {orientation}): save it upright.")
            picture.load()
            return _plain(path, picture)
    except (UnidentifiedImageError, *DAMAGED) as error:
        raise UserError(
            f"{path} is damaged and cannot be decoded ({reason(error)}): replace it by an intact copy."
        ) from error


def _plain(path: Path, picture: Image.Image) -> _Decoded:
    """Grey or RGB pixels of a loaded picture."""
    if picture.mode == "P":
        indices = np.array(picture)
        colours = np.array(picture.convert("RGB"))
        if (colours == colours[..., :1]).all():
            return _Decoded(np.ascontiguousarray(colours[..., 0]))
        return _Decoded(colours, indices)
    if picture.mode in ("RGBA", "LA"):
        pixels = np.array(picture)
        if (pixels[..., -1] != 255).any():
            raise UserError(f"{path} is partly transparent: save it without an alpha channel.")
        return _Decoded(np.ascontiguousarray(pixels[..., 0] if picture.mode == "LA" else pixels[..., :3]))
    if picture.mode in ("1", "L", "RGB"):
        return _Decoded(np.array(picture))
    if picture.mode in ("I", "I;16", "I;16B", "I;16L"):
        return _Decoded(np.array(picture).astype(np.uint16))
    raise UserError(f"{path} has the colour mode {picture.mode}: save it as grey or RGB.")


def _refuse_deep_colour(path: Path) -> None:
    """Pillow would cut 16-bit colour to 8 bits without a word."""
    try:
        with path.open("rb") as handle:
            start = handle.read(26)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from error
    if start.startswith(SIGNATURE) and start[24:25] == b"\x10" and start[25:26] in (b"\2", b"\6"):
        raise UserError(f"{path} is a 16-bit colour PNG: save each channel as its own 16-bit grey PNG.")


def _grey(path: Path, pixels: AnyArray) -> NDArray[np.int64]:
    if (pixels != pixels[..., :1]).any():
        raise UserError(
            f"{path} is a colour picture, and which colour means which label cannot be guessed: save masks as grey, "
            "with one "
            "number for each label."
        )
    return np.asarray(pixels[..., 0], dtype=np.int64)
