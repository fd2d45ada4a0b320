"""A glioma: necrotic core inside an enhancing rim inside edema, and the room it takes from the brain around it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from segmint.data.phantoms.cortex import Cortex
from segmint.data.phantoms.deep import Deep
from segmint.data.phantoms.fields import random_field
from segmint.data.phantoms.grid import Array, Grid
from segmint.data.phantoms.shapes import Points, Vector, coverage, smooth_step


@dataclass(frozen=True)
class Lesion:
    """One tumour. Lengths in mm, head coordinates (right, front, up)."""

    centre: Vector
    radius: float
    """Mean radius of the solid part."""
    stretch: Vector
    """Half axes against the radius."""
    turn: float
    """Angle of the longest axis to the front, radians."""
    roughness: float
    """Irregularity of the outline: standard deviation of its distance from the centre against the radius."""
    rim: float
    """Mean thickness of the enhancing rim; 0: nothing enhances (low grade)."""
    necrosis: bool
    """Whether the middle is dead."""
    edema: float
    """Mean reach of the edema beyond the solid part."""
    softness: float
    """Width over which the edema fades into the brain."""
    push: float
    """How far the brain beside it is displaced."""

    @classmethod
    def draw(cls, rng: np.random.Generator, *, satellite: bool = False) -> Lesion:
        """Draw a tumour; a satellite is a smaller, second one."""
        low_grade = rng.random() < 0.18 and not satellite
        radius = float(rng.uniform(6.5, 9.5) if satellite else rng.uniform(12.0, 19.0))
        stretch = np.exp(rng.normal((0, 0, -0.45), 0.18))  # wider than high, or it would fill the whole stack of slices
        stretch /= np.prod(stretch) ** (1 / 3)
        necrosis = bool(rng.random() < (0.25 if low_grade else 0.88))
        return cls(
            centre=_draw_centre(rng),
            radius=radius,
            stretch=(float(stretch[0]), float(stretch[1]), float(stretch[2])),
            turn=float(rng.uniform(0, np.pi)),
            roughness=float(rng.uniform(0.16, 0.26)),
            rim=0.0 if low_grade else float(rng.uniform(3.5, 5.5)) if necrosis else 2 * radius,
            necrosis=necrosis,
            edema=float(rng.uniform(3.0, 6.0) if low_grade or satellite else rng.uniform(4.0, 11.0)),
            softness=float(rng.uniform(0.8, 1.6)),
            push=float(radius * rng.uniform(0.15, 0.5)) * (0.5 if low_grade else 1.0),
        )

    def distance(self, points: Points) -> Array:
        """Distance from the centre, mm, with the lesion's own eccentricity."""
        x, y, z = (p - np.float32(c) for p, c in zip(points, self.centre, strict=True))
        sine, cosine = np.float32(np.sin(self.turn)), np.float32(np.cos(self.turn))
        turned = (cosine * x + sine * y, cosine * y - sine * x, z)
        square = sum((t / np.float32(s)) ** 2 for t, s in zip(turned, self.stretch, strict=True))
        return np.asarray(np.sqrt(square), dtype=np.float32)

    def mass_effect(self, points: Points) -> tuple[Array, Array, Array]:
        """Displacement (mm) of the tissue now at `points` from where it would lie without the lesion."""
        distance = self.distance(points)
        reach = np.float32(1.9 * self.radius)
        length = (
            np.float32(self.push) * np.exp(-((distance / reach) ** 2)) / (distance + np.float32(0.35 * self.radius))
        )
        x, y, z = ((p - np.float32(c)) * length for p, c in zip(points, self.centre, strict=True))
        return x, y, z


@dataclass(frozen=True)
class LesionMaps:
    """What lesions make of each fine voxel, as shares in [0, 1] that nest: necrosis <= core <= solid <= whole."""

    necrosis: Array
    core: Array
    """Necrosis and what enhances."""
    solid: Array
    """Core, or the cells of a tumour that does not enhance: fills the sulci it meets."""
    whole: Array
    """Everything, edema included, up to the border an expert with the truth would draw."""
    edema: Array
    """How strongly edema shows: it fades across that border."""

    @classmethod
    def nothing(cls, shape: tuple[int, ...]) -> LesionMaps:
        return cls(*(np.zeros(shape, dtype=np.float32) for _ in fields(cls)))

    def joined(self, other: LesionMaps) -> LesionMaps:
        """Both lesions' maps; where they meet, the larger share holds."""
        return LesionMaps(*(np.maximum(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)))


def grow_lesion(
    rng: np.random.Generator, grid: Grid, lesion: Lesion, *, points: Points, cortex: Cortex, deep: Deep
) -> LesionMaps:
    """Grow a lesion into a brain that it has displaced.

    The solid part does not cross the brain's outline and the interhemispheric fissure; it fills sulci, and ventricles and
    cisterns hold up only its outer shell. Edema runs along the white matter and mostly spares cortex and deep nuclei.

    Args:
        points: where the fine voxels lie in the head (right, front, up; mm), before displacement.
    """
    lobes = random_field(rng, grid, 0.75 * lesion.radius)
    grain = random_field(rng, grid, max(0.3 * lesion.radius, 2.5))
    core = lesion.distance(points) - np.float32(lesion.radius) * (
        1 + np.float32(lesion.roughness) * lobes + np.float32(0.35 * lesion.roughness) * grain
    )
    width = 1.2
    outside = np.maximum(np.float32(0.5) - cortex.boundary, np.minimum(np.float32(0.5) - deep.basins, core + 4))
    solid = coverage(np.maximum(core, outside), width)

    cavity = np.zeros(grid.fine_shape, dtype=np.float32)
    if lesion.necrosis:
        uneven = random_field(rng, grid, max(0.4 * lesion.radius, 3.0))
        mean, spread = (lesion.rim, 0.25 * lesion.rim) if lesion.rim else (0.45 * lesion.radius, 0.1 * lesion.radius)
        wall = np.maximum(np.float32(mean) + np.float32(spread) * uneven, np.float32(0.3 * mean))
        cavity = np.minimum(coverage(core + wall, width), solid)

    pial = np.minimum(cortex.pial, deep.basins)
    white = smooth_step(pial, 0.5, 5.5) * (1 - np.float32(0.65) * coverage(deep.nuclei, 3.0))
    fingers = random_field(rng, grid, 10.0)
    reach = np.float32(lesion.edema) * (0.4 + np.float32(0.6) * white) * np.exp(np.float32(0.3) * fingers)
    margin = np.maximum(core, 0) - reach
    below_pia = coverage(-pial, width)
    strength = below_pia / (1 + np.exp(np.clip(margin / np.float32(0.5 * lesion.softness), -20, 20)))
    mottled = np.float32(0.88) + np.float32(0.1) * random_field(rng, grid, 5.0)
    edema: Array = np.clip(np.maximum(strength, solid) * mottled, 0, 1)
    return LesionMaps(
        necrosis=cavity,
        core=solid if lesion.rim else cavity,
        solid=solid,
        whole=np.maximum(coverage(margin, width) * below_pia, solid),
        edema=edema,
    )


def _draw_centre(rng: np.random.Generator) -> Vector:
    """A place in the white matter of either hemisphere, away from the midline, the ventricles and the cortex."""
    while True:
        x, y, z = rng.uniform((12, -58, -10), (46, 50, 50))
        radius = np.sqrt((x / 64) ** 2 + (y / 82) ** 2 + (z / 70) ** 2)
        if radius < 0.76 and (x / 22) ** 2 + ((y + 2) / 30) ** 2 + ((z - 8) / 20) ** 2 > 1:
            return float(x if rng.random() < 0.5 else -x), float(y), float(z)
