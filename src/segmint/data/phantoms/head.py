"""One subject's head: what varies from person to person, and the way from scanner coordinates to a standard brain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segmint.data.phantoms.fields import random_field
from segmint.data.phantoms.grid import Array, Grid


@dataclass(frozen=True)
class Head:
    """Shape of a subject's head. Lengths in mm, angles in radians."""

    rotation: tuple[float, float, float]
    """Roll, pitch, yaw of the head in the scanner."""
    shift: tuple[float, float, float]
    scale: tuple[float, float, float]
    """Size against the standard brain: right, front, up."""
    age: float
    """0 (young) to 1 (old): wide sulci and ventricles, more white-matter lesions."""
    ventricles: float
    """Width of the ventricles against the standard brain."""
    cortex: float
    """Thickness of the cortex."""
    sulci: float
    """Depth of the sulci."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Head:
        """Draw a subject."""
        age = float(rng.beta(1.5, 1.5))
        rotation = rng.normal(0, (0.04, 0.09, 0.08))
        shift = rng.normal(0, (2.0, 1.5, 3.0))
        overall = rng.normal(1.0, 0.03)
        scale = np.clip(overall * rng.normal(1.0, (0.035, 0.025, 0.04)), 0.92, 1.06)
        return cls(
            rotation=(float(rotation[0]), float(rotation[1]), float(rotation[2])),
            shift=(float(shift[0]), float(shift[1]), float(shift[2])),
            scale=(float(scale[0]), float(scale[1]), float(scale[2])),
            age=age,
            ventricles=float(np.exp(rng.normal(0.55 * (age - 0.45), 0.16))),
            cortex=float(rng.normal(3.3 - 0.5 * age, 0.15)),
            sulci=float(rng.normal(19.0, 1.5)),
        )

    def coordinates(self, rng: np.random.Generator, grid: Grid) -> tuple[Array, Array, Array]:
        """Where each fine voxel of `grid` lies in the head (right, front, up from the midpoint of the commissures, mm).

        `rng` draws the smooth departures of this skull from a regular one.
        """
        front, right, up = grid.fine_axes()
        scanner = (right[None, :, None], front[:, None, None], up[None, None, :])
        to_head = _rotation(self.rotation).T / np.asarray(self.scale)[:, None]
        moved = [axis - np.float32(offset) for axis, offset in zip(scanner, self.shift, strict=True)]
        x, y, z = (
            sum(np.float32(weight) * axis for weight, axis in zip(row, moved, strict=True))
            + np.float32(1.6) * random_field(rng, grid, 45.0)
            for row in to_head
        )
        return x, y, z


def wander(rng: np.random.Generator, grid: Grid) -> tuple[Array, Array, Array]:
    """Smooth random displacement (right, front, up; mm): no two brains, nor two halves of one, have the same shape."""
    x, y, z = (
        np.float32(2.3) * random_field(rng, grid, 28.0) + np.float32(0.9) * random_field(rng, grid, 13.0)
        for _ in range(3)
    )
    return x, y, z


def _rotation(angles: tuple[float, float, float]) -> np.ndarray:
    """Rotation matrix for roll (about the front axis), pitch (about the right axis) and yaw (about the upward axis)."""
    (sr, sp, sy), (cr, cp, cy) = np.sin(angles), np.cos(angles)
    roll = np.array([[cr, 0, sr], [0, 1, 0], [-sr, 0, cr]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    yaw = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    return np.asarray(yaw @ pitch @ roll)
