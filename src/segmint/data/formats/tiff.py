"""TIFF: 2-D grey of any common type, and 8-bit RGB, through tifffile."""

from __future__ import annotations

import logging
import struct
import zlib
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from segmint.data.formats.format import AnyArray, Geometry, reason
from segmint.data.formats.memory import FLOAT32, check_inflated, check_memory
from segmint.data.formats.native_remarks import without_native_remarks
from segmint.errors import UserError

_HEADER_BYTES = 8
_DAMAGED = (
    tifffile.TiffFileError,
    OSError,
    SyntaxError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    ZeroDivisionError,  # sides of tiles
    struct.error,
    zlib.error,
    EOFError,
)
# What it remarks of damaged files, many lines of it, is told in one sentence here.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)
_DTYPES = frozenset({"uint8", "uint16", "int16", "int32", "uint32", "float32", "float64"})


class Tiff:
    """One page: grey, or RGB. Stacks, palettes, alpha and complex values are refused."""

    endings: tuple[str, ...] = (".tif", ".tiff")
    dimensions = frozenset({2})
    holds_float = True

    def geometry(self, path: Path) -> Geometry:
        try:
            with _opened(path) as handle:
                shape, channels, _ = _layout(path, handle)
                return Geometry(shape, channels, np.dtype(handle.series[0].dtype))
        except _DAMAGED as error:
            raise _damaged(path, error) from error

    def read_image(self, path: Path) -> AnyArray:
        try:
            with _opened(path) as handle:
                shape, channels, channel_axis = _layout(path, handle)
                pixels = np.asarray(_pixels(path, handle))
        except _DAMAGED as error:
            raise _damaged(path, error) from error
        if channels == 1:
            return pixels.reshape(1, *shape)
        return np.ascontiguousarray(np.moveaxis(pixels, channel_axis, 0))

    def read_label(self, path: Path) -> AnyArray:
        pixels = self.read_image(path)
        if pixels.shape[0] != 1:
            raise UserError(
                f"{path} is a colour picture where a label map is expected: save the label ids 0, 1, 2, ... as 8-bit "
                "grey."
            )
        if pixels.dtype.kind == "f":
            if not np.array_equal(pixels, np.round(pixels)):
                raise UserError(
                    f"{path} holds values that are not whole numbers: a label map holds the ids 0, 1, 2, ..."
                )
            return np.asarray(pixels[0], dtype=np.int64)
        return np.asarray(pixels[0])

    def write_image(
        self, path: Path, image: AnyArray, *, spacing: tuple[float, ...] | None, affine: NDArray[np.float64] | None
    ) -> None:
        del spacing, affine  # kept by segmint.json
        if image.ndim != 3 or image.shape[0] not in (1, 3) or str(image.dtype) not in _DTYPES:
            raise ValueError(f"TIFF holds [1 or 3, h, w] of a common type, not {image.shape} of {image.dtype}")
        if image.shape[0] == 3:
            pixels = np.ascontiguousarray(np.moveaxis(image, 0, -1))
            _write(path, pixels, photometric="rgb")
        else:
            _write(path, image[0], photometric="minisblack")

    def write_label(
        self, path: Path, label: AnyArray, *, spacing: tuple[float, ...] | None, affine: NDArray[np.float64] | None
    ) -> None:
        del spacing, affine
        _write(path, label.astype(np.uint8, casting="unsafe"), photometric="minisblack")


def count_pages(path: Path) -> int:
    """Number of slices in a multi-page TIFF of grey slices.

    Raises:
        UserError: it is damaged, or no such stack.
    """
    try:
        with _opened(path) as handle:
            return _stack_shape(path, handle)[0]
    except _DAMAGED as error:
        raise _damaged(path, error) from error


def read_page(path: Path, number: int) -> AnyArray:
    """[h, w] of one slice of a multi-page TIFF.

    Raises:
        UserError: it is damaged, or no stack of grey slices.
    """
    try:
        with _opened(path) as handle:
            count, height, width = _stack_shape(path, handle)
            if len(handle.pages) != count:  # one page header for all slices, which then lie in one block
                check_memory(path, (height, width), bytes_a_value=2 * handle.pages[0].dtype.itemsize + FLOAT32)
                stack = tifffile.memmap(path, mode="r").reshape(count, height, width)
                return np.array(stack[number])
            return np.asarray(_decoded(path, handle.pages[number], number)).reshape(height, width)
    except _DAMAGED as error:
        raise _damaged(path, error) from error


def _opened(path: Path) -> Any:
    """The file in tifffile, which follows pages that go round in a circle for ever.

    Raises:
        ValueError: they do.
    """
    with path.open("rb") as file:
        start = file.read(16)
        order, big = ("<" if start[:2] == b"II" else ">"), start[2:4] in (b"+\0", b"\0+")
        counted, entry, pointer = ("Q", 20, "Q") if big else ("H", 12, "I")
        (place,) = struct.unpack_from(order + pointer, start, 8 if big else 4)
        seen, size = set(), path.stat().st_size
        while place:
            if place in seen:
                raise ValueError("its pages go round in a circle")
            seen.add(place)
            (count,) = _number_at(file, place, order + counted, size=size) or (size,)
            after = place + struct.calcsize(order + counted) + count * entry
            (place,) = _number_at(file, after, order + pointer, size=size) or (0,)
    return tifffile.TiffFile(path)


def _number_at(file: IO[bytes], place: int, kind: str, *, size: int) -> tuple[int, ...]:
    """The number at a place; nothing where the file of that size ends before."""
    if place + struct.calcsize(kind) > size:
        return ()
    file.seek(place)
    return struct.unpack(kind, file.read(struct.calcsize(kind)))


def _stack_shape(path: Path, handle: Any) -> tuple[int, int, int]:
    """(slices, height, width) of the one series of a file."""
    if len(handle.series) != 1:
        raise UserError(f"{path} holds pages of different kinds: a stack of slices of one size is expected.")
    shape = tuple(int(side) for side in handle.series[0].shape)
    page = handle.series[0].pages[0]
    if page.dtype is None or handle.pages[0].dtype is None:
        raise ValueError("its values are of a type that is not known, or a page has none")
    if len(shape) not in (2, 3) or page.samplesperpixel != 1 or page.photometric == tifffile.PHOTOMETRIC.PALETTE:
        raise UserError(f"{path} has the shape {shape}: a stack of grey slices is expected.")
    return (1, *shape) if len(shape) == 2 else (shape[0], shape[1], shape[2])


def _write(path: Path, pixels: AnyArray, *, photometric: str) -> None:
    # Without metadata tifffile would store a description and a date, and equal pixels would make unequal files.
    tifffile.imwrite(path, pixels, photometric=photometric, compression="zlib", metadata=None, software=False)


def _layout(path: Path, handle: Any) -> tuple[tuple[int, int], int, int]:
    """((h, w), channels, axis of the channels) of the one series of a file."""
    if len(handle.series) != 1 or len(handle.series[0].pages) != 1:
        raise UserError(f"{path} is a stack of pages: save each slice as its own 2-D TIFF, or the volume as NIfTI.")
    page = handle.series[0].pages[0]
    if page.photometric == tifffile.PHOTOMETRIC.PALETTE:
        raise UserError(f"{path} has a palette: save it as plain grey or RGB TIFF.")
    if page.extrasamples:
        raise UserError(f"{path} has an alpha channel or extra samples: save it as plain grey or RGB TIFF.")
    if str(page.dtype) not in (*_DTYPES, "bool"):
        raise UserError(
            f"{path} holds values of type {page.dtype}: save it as 8 or 16-bit integers or as 32-bit float."
        )
    shape, axes = page.shape, page.axes
    if 0 in shape:
        raise UserError(f"{path} has no pixels (its shape is {tuple(shape)}): replace it by an intact copy.")
    if page.samplesperpixel == 3 and sorted(axes) == ["S", "X", "Y"]:
        channel_axis = axes.index("S")
        height, width = (side for axis, side in enumerate(shape) if axis != channel_axis)
        return (height, width), 3, channel_axis
    if axes == "YX" and page.samplesperpixel == 1:
        return (shape[0], shape[1]), 1, -1
    raise UserError(f"{path} has the shape {tuple(shape)} ({axes}): only 2-D grey and RGB TIFF can be read.")


def _pixels(path: Path, handle: Any) -> AnyArray:
    return _decoded(path, handle.series[0].pages[0], 0)


def _decoded(path: Path, page: Any, number: int) -> AnyArray:
    check_memory(path, page.shape, bytes_a_value=2 * np.dtype(page.dtype).itemsize + FLOAT32)
    if page.planarconfig not in tuple(tifffile.PLANARCONFIG):
        raise ValueError("how its channels lie is not known")
    if len(page.dataoffsets) < prod(page.chunked):
        raise ValueError("parts of its pixels are missing")
    if any(
        start < _HEADER_BYTES or not count for start, count in zip(page.dataoffsets, page.databytecounts, strict=True)
    ):
        raise ValueError("parts of its pixels are missing, or said to lie in its header")
    end = max((start + count for start, count in zip(page.dataoffsets, page.databytecounts, strict=True)), default=0)
    if end > path.stat().st_size:
        raise ValueError("the file ends before its pixels do")
    if page.compression == tifffile.COMPRESSION.LZMA:
        raise ValueError("its compression LZMA is not read; save it uncompressed")
    if page.compression in (tifffile.COMPRESSION.ADOBE_DEFLATE, tifffile.COMPRESSION.DEFLATE):
        with path.open("rb") as handle:
            for start, count in zip(page.dataoffsets, page.databytecounts, strict=True):
                handle.seek(start)
                check_inflated(path, handle.read(count))
    try:
        pixels = np.asarray(page.asarray())
    except (ValueError, NotImplementedError) as error:
        if "imagecodecs" not in str(error):
            raise
    else:
        if pixels.shape != tuple(page.shape):
            raise ValueError("its pixels do not fill the size that its header tells")
        return pixels
    # LZW and its kin need a further package in tifffile; libtiff, which Pillow carries, decodes the same values.
    with without_native_remarks(), Image.open(path, formats=("TIFF",)) as picture:
        picture.seek(number)
        picture.load()
        pixels = np.array(picture)
    if pixels.shape != tuple(page.shape):
        raise ValueError(f"its compression {page.compression.name} cannot be read; save it uncompressed")
    return pixels.astype(page.dtype)


def _damaged(path: Path, error: Exception) -> UserError:
    return UserError(
        f"{path} is damaged or not a TIFF that can be read ({reason(error)}): replace it by an intact copy."
    )
