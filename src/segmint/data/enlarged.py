"""Slices that were enlarged from fewer pixels, taken back to these pixels as they were.

A generator draws 128 x 128 pixels, and its files have the 512 x 512 of the source, enlarged by the triangle filter. Made smaller by
that filter once more, as real slices are, they would be blurred where real ones are not: above a quarter cycle a pixel 12 to 14
decibels are lost. But enlarging is linear and loses nothing, so it can be undone.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from segmint.data.placement import nearest, resampled

Shape = tuple[int, int]


def taken_back(plane: NDArray[np.float32], drawn: Shape) -> NDArray[np.float32]:
    """[h, w] that `Placement.undo` enlarged from `drawn` -> those pixels; values rounded since come back nearly.

    What was changed since is fitted by least squares. Values stay in [-1, 1].
    """
    rows, columns = (_undone(small, large) for small, large in zip(drawn, plane.shape, strict=True))
    return np.clip(rows @ plane @ columns.T, -1, 1).astype(np.float32)


def ids_taken_back(ids: NDArray[np.uint8], drawn: Shape) -> NDArray[np.uint8] | None:
    """The same of label ids, enlarged by taking the nearest: the id in the middle of every pixel drawn.

    None where `ids` are not what enlarging these gives: somebody has changed them pixel by pixel since, and taking one in many
    of theirs would lose thin structures and shift the others.
    """
    found = _picked(ids, drawn)
    return found if np.array_equal(_picked(found, (ids.shape[0], ids.shape[1])), ids) else None


def _picked(ids: NDArray[np.uint8], shape: Shape) -> NDArray[np.uint8]:
    """The ids that hold the centres of the pixels of another shape."""
    rows, columns = (nearest(target, source) for target, source in zip(shape, ids.shape, strict=True))
    return np.ascontiguousarray(ids[rows[:, None], columns[None, :]])


@lru_cache(maxsize=8)
def _undone(small: int, large: int) -> NDArray[np.float32]:
    """[small, large] the least-squares inverse of enlarging a column of `small` pixels to `large`."""
    enlarging = resampled(np.eye(small, dtype=np.float32), (large, small))
    return np.linalg.pinv(enlarging.astype(np.float64)).astype(np.float32)
