"""The smallest box that holds two masks: outside it there is nothing to measure."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Mask = NDArray[np.bool_]


def crop_to_both(first: ArrayLike, second: ArrayLike) -> tuple[Mask, Mask]:
    """Two masks cut to the box that holds both, with one pixel of background around.

    Args:
        first: bool [*spatial]; second: on the same grid.

    Returns:
        Both on the grid of the box; of shape 0 along every axis where both masks are empty.

    Raises:
        ValueError: the shapes differ.
    """
    ours, theirs = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if ours.shape != theirs.shape:
        raise ValueError(f"masks of the shapes {ours.shape} and {theirs.shape} do not lie on one grid")
    either = ours | theirs
    if not either.any():
        nothing = np.zeros((0,) * either.ndim, dtype=bool)
        return nothing, nothing
    box = []
    for axis in range(either.ndim):
        occupied = np.flatnonzero(either.any(axis=tuple(other for other in range(either.ndim) if other != axis)))
        box.append(slice(int(occupied[0]), int(occupied[-1]) + 1))
    return np.pad(ours[tuple(box)], 1), np.pad(theirs[tuple(box)], 1)
