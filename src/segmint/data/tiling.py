"""Where the square tiles of a large slice lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Padding = tuple[tuple[int, int], tuple[int, int]]


def tile_corners(size: int, padding: Padding, *, tile: int) -> NDArray[np.int64]:
    """Upper left corners of a regular grid of tiles that covers a slice, neighbours overlapping by half or more.

    The grid spans what is not padding; a slice narrower than a tile gets one, centred on it.

    Args:
        size: Side of the square that holds the slice.
        padding: ((top, bottom), (left, right)) of the slice in it.
        tile: Side of a tile, 1 to `size`.

    Returns:
        [n, 2] rows and columns, each in 0..size - tile, row by row.
    """
    rows, columns = (_starts(size, before, after, tile) for before, after in padding)
    grid = np.meshgrid(rows, columns, indexing="ij")
    return np.stack([axis.ravel() for axis in grid], axis=1)


def _starts(size: int, before: int, after: int, tile: int) -> NDArray[np.int64]:
    length = size - before - after
    if length <= tile:
        return np.array([min(max(before + (length - tile) // 2, 0), size - tile)], dtype=np.int64)
    step = max(1, tile // 2)
    count = -(-(length - tile) // step) + 1
    return before + np.arange(count, dtype=np.int64) * (length - tile) // (count - 1)
