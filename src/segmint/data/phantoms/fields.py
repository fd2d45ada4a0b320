"""Smooth random fields: cubic B-splines over random control points, the same function whatever grid they are read on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmint.data.phantoms.grid import Array, Grid

_STANDARD_DEVIATION = 0.479**1.5
"""Of a cubic B-spline field in three dimensions over control points of unit variance."""


def random_field(
    rng: np.random.Generator, grid: Grid, scale: float | tuple[float, float, float], *, fine: bool = True
) -> Array:
    """Random field with mean 0 and variance about 1 over the voxels of a grid.

    Args:
        rng: one normal number is drawn for each control point; their number does not depend on the resolution, so that
            every grid shows the same field.
        scale: distance of the control points, mm: structures come out about twice as large. One number, or one an axis.
        fine: read it on the fine voxels rather than on those of the volume.
    """
    scales = (scale,) * 3 if isinstance(scale, int | float) else scale
    axes = grid.fine_axes() if fine else grid.axes()
    counts = [int((high - low) / step) + 4 for (low, high), step in zip(grid.box, scales, strict=True)]
    field = rng.standard_normal(counts).astype(np.float32)
    # The last axis first, so that the large sums run over contiguous memory. No matrix products: the order of their sums
    # varies with the number of threads, and a phantom may not.
    for axis in (2, 1, 0):
        index, weight = _spline_taps((axes[axis] - np.float32(grid.box[axis][0])) / np.float32(scales[axis]))
        shape = [-1 if a == axis else 1 for a in range(3)]
        weight = weight.reshape(4, *shape)
        total = np.take(field, index[0], axis, mode="clip")
        total *= weight[0]
        part = np.empty_like(total)  # every index is in range; mode="clip" only lets numpy write into it directly
        for tap in (1, 2, 3):
            np.take(field, index[tap], axis, out=part, mode="clip")
            part *= weight[tap]
            total += part
        field = total
    field *= np.float32(1 / _STANDARD_DEVIATION)
    return field


def _spline_taps(positions: Array) -> tuple[NDArray[np.intp], Array]:
    """The four control points that reach each position, and their weights, both [4, positions]."""
    whole = np.floor(positions)
    t = positions - whole
    weights = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    index: NDArray[np.intp] = whole.astype(np.intp) + np.arange(4)[:, None]
    return index, (np.stack(weights) / 6).astype(np.float32)


class FoldNoise:
    """Band-limited random function of a point in space: its zero set is a labyrinth of sheets of one typical distance.

    Sheets lie about twice `scale` (mm) apart. The function repeats after 24 times `scale`, which no head notices.
    """

    _COUNT = 24

    def __init__(self, rng: np.random.Generator, scale: float) -> None:
        from scipy import ndimage

        self.scale = scale
        control = rng.standard_normal((self._COUNT,) * 3)
        control -= ndimage.gaussian_filter(control, 1.0, mode="wrap")
        self._control = (control / control.std()).astype(np.float32)

    def __call__(self, points: Array) -> Array:
        """Values [n] at points [3, n] in mm."""
        from scipy import ndimage

        values: Array = ndimage.map_coordinates(
            self._control, points / self.scale, order=2, mode="grid-wrap", prefilter=False, output=np.float32
        )
        return values
