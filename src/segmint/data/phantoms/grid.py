"""The sampling grid of a drawn body: where its voxels lie in millimetres, and how fine voxels are averaged into them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

Box = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
"""Ends of a part of space along rows (back to front), columns (left to right) and slices (upwards), mm."""

BOX: Box = ((-90.0, 90.0), (-90.0, 90.0), (-16.0, 56.0))
"""What a volume covers of the head about the midpoint of the commissures: the midbrain to the centrum semiovale."""


def square_box(side: float, low: float, high: float) -> Box:
    """Slices of `side` mm about the origin, stacked from `low` to `high`."""
    return (-side / 2, side / 2), (-side / 2, side / 2), (low, high)


@dataclass(frozen=True)
class Grid:
    """A stack of axial slices, drawn on a finer grid and averaged, so that voxels at a border are true partial volumes.

    Arrays are ordered (row, column, slice): rows run to the subject's back, columns to the subject's left, slices upwards.
    A slice shown as a picture is therefore upright, in the radiological convention. Whatever the number of voxels, the
    volume covers the same box.
    """

    size: int
    slices: int
    box: Box = BOX
    """Square in the plane."""
    fine_voxels: tuple[int, int, int] | None = None
    """Fine voxels to a voxel along each axis; None: enough for folded cortex."""

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel size in array axis order, mm."""
        (back, front), _, (low, high) = self.box
        side = (front - back) / self.size
        return side, side, (high - low) / self.slices

    @property
    def factors(self) -> tuple[int, int, int]:
        """Fine voxels to a voxel along each axis."""
        if self.fine_voxels is not None:
            return self.fine_voxels
        inplane = 3 if self.size <= 48 else 2 if self.size <= 128 else 1
        return inplane, inplane, max(1, round(24 / self.slices))

    @property
    def fine_shape(self) -> tuple[int, int, int]:
        rows, columns, slices = self.factors
        return self.size * rows, self.size * columns, self.slices * slices

    @property
    def fine_spacing(self) -> tuple[float, float, float]:
        (a, b, c), (i, j, k) = self.spacing, self.factors
        return a / i, b / j, c / k

    def fine_axes(self) -> tuple[Array, Array, Array]:
        """Positions of the fine voxel centres along rows (to the front, mm), columns (to the right) and slices (upwards)."""
        (rows, columns, slices), (a, b, c) = self.fine_shape, self.fine_spacing
        front = self.box[0][1] - a * (np.arange(rows) + 0.5)
        right = self.box[1][1] - b * (np.arange(columns) + 0.5)
        up = self.box[2][0] + c * (np.arange(slices) + 0.5)
        return front.astype(np.float32), right.astype(np.float32), up.astype(np.float32)

    def axes(self) -> tuple[Array, Array, Array]:
        """As `fine_axes`, for the voxels of the volume itself."""
        front, right, up = self.fine_axes()
        i, j, k = self.factors
        return front.reshape(-1, i).mean(1), right.reshape(-1, j).mean(1), up.reshape(-1, k).mean(1)

    def average(self, fine: Array) -> Array:
        """Mean of the fine voxels in each voxel: [rows, columns, slices] fine -> the same, coarse."""
        for axis, factor in enumerate(self.factors):
            steps = [fine[(slice(None),) * axis + (slice(start, None, factor),)] for start in range(factor)]
            fine = reduce(np.add, steps) * np.float32(1 / factor)
        return fine

    def affine(self) -> NDArray[np.float64]:
        """NIfTI affine (voxel index -> right, anterior, superior, mm)."""
        front, right, up = self.axes()
        a, b, c = self.spacing
        matrix = np.zeros((4, 4))
        matrix[0, 1], matrix[1, 0], matrix[2, 2], matrix[3, 3] = -b, -a, c, 1.0
        matrix[:3, 3] = right[0], front[0], up[0]
        return matrix
