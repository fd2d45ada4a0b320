"""The header of a MetaImage file (`.mha`): lines of `name = value`, the last of which says where the voxels are."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmint.errors import UserError

_LONGEST_HEADER = 1 << 20
_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_MOST_DIGITS = 18
_CONTROL = re.compile(r"[^\t\r -~\x80-\xff]")
_TRUTHS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


class Unreadable(Exception):
    """Why a header says nothing that could be read, in a few words."""


@dataclass(frozen=True)
class Header:
    """What is needed to read the voxels.

    Attributes:
        shape: voxels along the three axes, the first of which runs fastest in the file.
        dtype: as stored, with its order of bytes.
        voxels_at: first byte of the voxels; None where they are the last of the file.
        packed: whether they are deflated.
        packed_bytes: how many bytes those take; None where it is not said.
        spacing: mm between voxels.
        origin: place of the first voxel, mm to the left, back and head [3].
        directions: a column for each axis [3, 3], in the same directions.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[np.generic]
    voxels_at: int | None
    packed: bool
    packed_bytes: int | None
    spacing: tuple[float, float, float]
    origin: NDArray[np.float64]
    directions: NDArray[np.float64]


def read_header(path: Path) -> Header:
    """Read and check it.

    Raises:
        UserError: its voxels are in another file.
        Unreadable: it is damaged, or not that of a 3-D volume of one number a voxel.
    """
    with path.open("rb") as handle:
        start = handle.read(_LONGEST_HEADER)
    found: dict[str, str] = {}
    position = 0
    while (end := start.find(b"\n", position)) >= 0:
        line = start[position:end].decode("latin-1")
        if _CONTROL.search(line):
            raise Unreadable("its header is no text")
        name, value = _parts(line)
        position = end + 1
        if name == "ElementDataFile":
            if value.upper() != "LOCAL":
                raise UserError(
                    f"{path} is damaged or keeps its voxels in another file: replace it by an intact .mha file."
                )
            return _header(found, position)
        # Of names that are said twice, such as Comment, the first counts, but for those that matter.
        if found.setdefault(name, value) != value and name in _MATTER:
            raise Unreadable(f"its header says {name} twice")
    raise Unreadable("its header has no end")


def _parts(line: str) -> tuple[str, str]:
    separator = "=" if "=" in line else ":"
    name, _, value = line.partition(separator)
    return name.strip(), value.strip()


_ORIGINS = ("Offset", "Position", "Origin")
_SPACINGS = ("ElementSpacing", "ElementSize")
_DIRECTIONS = ("TransformMatrix", "Rotation")
_ORDERS = ("BinaryDataByteOrderMSB", "ElementByteOrderMSB")
_MATTER = {
    *(*_ORIGINS, *_SPACINGS, *_DIRECTIONS, *_ORDERS),
    *("NDims", "DimSize", "ElementType", "ElementNumberOfChannels", "HeaderSize"),
    *("BinaryData", "CompressedData", "CompressedDataSize"),
}


def _header(found: dict[str, str], end: int) -> Header:
    for name, wanted in (("NDims", "3"), ("ElementNumberOfChannels", "1")):
        if found.get(name, "1") != wanted:
            raise Unreadable(f"{name} is {_shown(found, name)}, not {wanted}")
    shape = found.get("DimSize", "").split()
    if len(shape) != 3 or not all(side.isascii() and side.isdecimal() and len(side) <= 9 for side in shape):
        raise Unreadable(f"DimSize is {_shown(found, 'DimSize')}")
    if found.get("ElementType") not in _TYPES:
        raise Unreadable(f"ElementType is {_shown(found, 'ElementType')}")
    if not _true(found, "BinaryData", otherwise=True):
        raise Unreadable("its voxels are stored as text")
    headers = found.get("HeaderSize", "0")
    if headers not in ("0", "-1"):
        raise Unreadable(f"HeaderSize is {_shown(found, 'HeaderSize')}")
    big = any([_true(found, name) for name in _ORDERS])
    spacing = _numbers(found, _SPACINGS, 3, "1 1 1")
    if min(spacing) <= 0:
        raise Unreadable("its spacing is impossible")
    # Some write a word under this name, such as "axial".
    directions = (*_DIRECTIONS, *(["Orientation"] if len(found.get("Orientation", "").split()) == 9 else []))
    first, second, third = map(int, shape)
    return Header(
        shape=(first, second, third),
        dtype=np.dtype((">" if big else "<") + _TYPES[found["ElementType"]]),
        voxels_at=None if headers == "-1" else end,
        packed=_true(found, "CompressedData"),
        packed_bytes=_whole(found, "CompressedDataSize"),
        spacing=(spacing[0], spacing[1], spacing[2]),
        origin=np.asarray(_numbers(found, _ORIGINS, 3, "0 0 0")),
        # A row of the file is an axis of the volume.
        directions=np.reshape(_numbers(found, directions, 9, "1 0 0 0 1 0 0 0 1"), (3, 3)).T,
    )


def _true(found: dict[str, str], name: str, *, otherwise: bool = False) -> bool:
    if name not in found:
        return otherwise
    if found[name].lower() not in _TRUTHS:
        raise Unreadable(f"{name} is {_shown(found, name)}")
    return _TRUTHS[found[name].lower()]


def _whole(found: dict[str, str], name: str) -> int | None:
    value = found.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) <= _MOST_DIGITS):
        raise Unreadable(f"{name} is {_shown(found, name)}")
    return int(value)


def _numbers(found: dict[str, str], names: tuple[str, ...], count: int, otherwise: str) -> list[float]:
    name = next((one for one in names if one in found), names[0])
    try:
        numbers = [float(one) for one in found.get(name, otherwise).split()]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise Unreadable(f"{name} is {_shown(found, name)}")
    return numbers


def _shown(found: dict[str, str], name: str) -> str:
    return ascii(found[name][:60]) if name in found else "not said"
