"""Implicit shapes: signed distances in mm, negative inside, and how they are cut and blended."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segmint.data.phantoms.grid import Array

Points = Sequence[Array]
"""Coordinates (right, front, up) in mm, arrays of one shape."""
Vector = tuple[float, float, float]


def ellipsoid(points: Points, centre: Vector, radii: Vector) -> Array:
    """Approximate signed distance to an ellipsoid: exact at the surface to first order."""
    unit = [(p - np.float32(c)) / np.float32(r) for p, c, r in zip(points, centre, radii, strict=True)]
    length = np.sqrt(sum(u * u for u in unit))
    slope = np.sqrt(sum((u / np.float32(r)) ** 2 for u, r in zip(unit, radii, strict=True)))
    distance: Array = length * (length - 1) / np.maximum(slope, np.float32(1e-6))
    return distance


def tapered_tube(points: Points, start: Vector, end: Vector, radii: tuple[float, float]) -> Array:
    """Signed distance to a tube around the segment start-end whose radius (mm) goes linearly from the first to the second."""
    along = np.asarray(end, dtype=np.float32) - np.asarray(start, dtype=np.float32)
    relative = [p - np.float32(s) for p, s in zip(points, start, strict=True)]
    share = sum(r * a for r, a in zip(relative, along, strict=True)) / np.float32(np.dot(along, along))
    share = np.clip(share, 0, 1)
    square = sum((r - share * a) ** 2 for r, a in zip(relative, along, strict=True))
    distance: Array = np.sqrt(square) - (np.float32(radii[0]) + share * np.float32(radii[1] - radii[0]))
    return distance


def blend(first: Array, second: Array, width: float) -> Array:
    """Smooth minimum: the union of two shapes with the crease between them rounded over `width` mm."""
    gap = np.maximum(np.float32(width) - np.abs(first - second), 0)
    union: Array = np.minimum(first, second) - gap * gap * np.float32(0.25 / width)
    return union


def coverage(distance: Array, width: float) -> Array:
    """Share in [0, 1] of a voxel inside a shape: a linear step over `width` mm around signed distance 0."""
    share: Array = np.clip(np.float32(0.5) - distance * np.float32(1 / width), 0, 1)
    return share


def smooth_step(values: Array, low: float, high: float) -> Array:
    """Cubic step from 0 at `low` to 1 at `high`."""
    share: Array = np.clip((values - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    step: Array = share * share * (3 - 2 * share)
    return step
