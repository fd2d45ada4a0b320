"""How much memory the reading of one image file may take, decided by its header before anything is allocated."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable
from math import prod
from pathlib import Path

from segmint.errors import UserError

VARIABLE = "SEGMINT_MEMORY_GB"
DEFAULT = 2_000_000_000
"""Bytes. A NIfTI file of 512 x 512 x 900 voxels of 16 bits takes 1.9 GB; for whole bodies the limit must be set."""
FLOAT32 = 4
"""Bytes of a value in the arrays that everything downstream works on."""
MOST_DEFLATED = 1032
"""No stream of deflate becomes more than so many times as long (zlib's technical details)."""


def memory_limit() -> int:
    """Bytes that the reading of one file may take: SEGMINT_MEMORY_GB, or 2 GB.

    Raises:
        UserError: the variable is not a positive number.
    """
    said = os.environ.get(VARIABLE)
    if not said:
        return DEFAULT
    try:
        limit = float(said)
        if not 0 < limit < float("inf"):
            raise ValueError
    except ValueError as error:
        raise UserError(f'{VARIABLE} is "{said}": give it gigabytes, such as 8.') from error
    return int(limit * 1e9)


def check_memory(path: Path, shape: Iterable[int], *, bytes_a_value: int) -> None:
    """Refuse a file that says it holds too much.

    Args:
        path: The file.
        shape: Of all its values.
        bytes_a_value: All copies of a value that reading it takes, the 32-bit float that it becomes included.

    Raises:
        UserError: it would take more than the limit.
    """
    sides = [int(side) for side in shape]
    needed, limit = prod(sides) * bytes_a_value, memory_limit()
    if needed > limit:
        raise UserError(
            f"{path} says it holds {' x '.join(map(str, sides))} values, whose reading takes {needed / 1e9:.3g} GB, more than the "
            f"{limit / 1e9:g} GB allowed for one file: set {VARIABLE} higher if that is right, or replace it by an intact copy."
        )


def check_inflated(path: Path, packed: bytes) -> None:
    """Refuse a stream of deflate that would become too long. Streams that cannot are not looked into.

    Args:
        path: The file it comes from.
        packed: The stream.

    Raises:
        UserError: it becomes longer than the limit.
        zlib.error: it is damaged.
    """
    limit = memory_limit()
    if len(packed) * MOST_DEFLATED <= limit:
        return
    stream, rest, length = zlib.decompressobj(), packed, 0
    while rest and not stream.eof:
        length += len(stream.decompress(rest, 1 << 20))
        rest = stream.unconsumed_tail
        if length > limit:
            raise too_long(path)


def too_long(path: Path) -> UserError:
    """The refusal of a file that is small on the disk and would fill the memory."""
    return UserError(
        f"{path} becomes, or may become, longer than {memory_limit() / 1e9:g} GB when it is decompressed: set {VARIABLE} higher if "
        "that is right, or replace it by an intact copy."
    )
