"""Whether two files lie on one grid in the world."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_TOLERANCE = 0.1
"""Voxels by which two affines may differ at any corner: what rounding in headers does, and no more."""


def distance_apart(shape: Sequence[int], one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """Millimetres that some corner of a grid moves between two affines; None where rounding explains all of it.

    Args:
        shape: Spatial shape of the grid, up to three axes.
        one: [4, 4] voxel-to-world matrix.
        other: The same of another file.
    """
    ends = [(0, side - 1) for side in (*shape, 1, 1)[:3]]
    corners = np.array([(*corner, 1) for corner in itertools.product(*ends)]).T
    moved = float(np.linalg.norm(((one - other) @ corners)[:3], axis=0).max())
    voxel = float(np.linalg.norm(other[:3, :3], axis=0).min())
    return None if moved <= _TOLERANCE * voxel else moved
