"""Strokes: which vessel was blocked, what part of its territory died, and on how many slices that shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmint.data.phantoms.cortex import Cortex
from segmint.data.phantoms.deep import Deep
from segmint.data.phantoms.fields import random_field
from segmint.data.phantoms.grid import Array, Grid
from segmint.data.phantoms.shapes import Points, Vector, coverage, smooth_step

SHARE = 0.18
"""Of all slices, those with a lesion."""
_BALANCE = 2
"""How many slices the number of lesion slices of the first n subjects may be away from that share, for every n."""
_MOST = 0.5
"""Largest share of one subject's slices that a lesion spans."""

_TERRITORIES: tuple[tuple[str, float, tuple[Vector, Vector], tuple[float, float]], ...] = (
    ("middle", 0.46, ((36, -38, 2), (56, 34, 44)), (12.0, 26.0)),
    ("deep", 0.16, ((16, -12, 2), (30, 20, 24)), (6.0, 12.0)),
    ("front", 0.1, ((6, 0, 18), (18, 60, 48)), (8.0, 16.0)),
    ("back", 0.13, ((8, -70, -4), (30, -48, 26)), (9.0, 18.0)),
    ("lacune", 0.15, ((8, -22, 2), (32, 30, 44)), (3.5, 5.5)),
)
"""Name, how often, corners of the box of centres (right side) and range of radii, mm."""


def lesion_slices(seed: int, subject: int, slices: int) -> int:
    """How many of a subject's slices hold a lesion: random, yet all subjects from the first to any come to 18% of theirs.

    Subject 0 stands outside the count and is drawn freely.
    """
    most = int(_MOST * slices)
    if subject == 0:
        return int(np.random.default_rng((seed, 0)).integers(most + 1))
    total, count = 0, 0
    draws = np.random.default_rng((seed, slices)).beta(0.9, 1.6, subject) * most
    for number, draw in enumerate(draws, start=1):
        target = SHARE * slices * number
        low, high = np.ceil(target - _BALANCE) - total, np.floor(target + _BALANCE) - total
        count = int(np.clip(np.rint(draw), max(low, 0), min(high, most)))
        total += count
    return count


@dataclass(frozen=True)
class Infarct:
    """One subject's stroke. Lengths in mm, head coordinates (right, front, up) unless said."""

    territory: str
    first: int
    """Lowest slice it shows on."""
    count: int
    """Number of slices, without a gap."""
    centres: tuple[Vector, ...]
    """The main part first; its height is that of the middle slice in the scanner."""
    radii: tuple[float, ...]
    roughness: float
    strength: float
    """How much of the way from healthy tissue to full signal it has come: young strokes are faint."""
    softness: float
    swelling: float

    @classmethod
    def draw(cls, rng: np.random.Generator, grid: Grid, count: int) -> Infarct:
        """Draw a stroke that shows on `count` slices, at least 1."""
        height = grid.spacing[2]
        likely = np.array([share for _, share, _, _ in _TERRITORIES])
        if count * height > 24:
            likely *= (1.0, 0.15, 0.7, 0.7, 0.0)
        elif count * height > 12:
            likely *= (1.0, 1.0, 1.0, 1.0, 0.2)
        territory, _, (low, high), (least, largest) = _TERRITORIES[rng.choice(len(likely), p=likely / likely.sum())]
        x, y, z = rng.uniform(low, high)
        side = 1.0 if rng.random() < 0.5 else -1.0
        radius = float(np.clip(count * height / 2 * rng.uniform(1.0, 2.4), least, largest))
        centres, radii = [(float(side * x), float(y), float(z))], [radius]
        for _ in range(int(rng.poisson(0.2 if territory == "lacune" else 1.1))):
            dx, dy = rng.normal(0, 1.1 * radius, 2)
            centres.append((float(side * x + dx), float(y + dy), float(z + rng.normal(0, 0.3 * count * height))))
            radii.append(float(rng.uniform(0.2, 0.5) * radius + 1.5))
        up = grid.axes()[2]
        middle = int(np.argmin(np.abs(up - z))) - (count - 1) // 2
        return cls(
            territory=territory,
            first=int(np.clip(middle, 0, grid.slices - count)),
            count=count,
            centres=tuple(centres),
            radii=tuple(radii),
            roughness=float(rng.uniform(0.2, 0.4)),
            strength=float(rng.beta(2.2, 1.5) * 0.75 + 0.25),
            softness=float(rng.uniform(1.0, 3.0)),
            swelling=float(rng.uniform(0, 0.6)),
        )


@dataclass(frozen=True)
class InfarctMaps:
    """Shares in [0, 1] on the fine grid."""

    truth: Array
    """Up to the border an expert with the truth would draw."""
    signal: Array
    """How strongly the tissue has changed: mottled, and fading across that border."""


def grow_infarct(
    rng: np.random.Generator, grid: Grid, infarct: Infarct, *, points: Points, cortex: Cortex, deep: Deep
) -> InfarctMaps:
    """Grow a stroke: a wedge that widens towards the cortex, within its vessel's territory and its half of the brain.

    Args:
        points: where the fine voxels lie in the head (right, front, up; mm).
    """
    x, y, _ = points
    up = grid.fine_axes()[2]
    low = grid.box[2][0] + infarct.first * grid.spacing[2]
    extent = infarct.count * grid.spacing[2]
    rise = np.clip((up - np.float32(low + extent / 2)) / np.float32(extent / 2), -1, 1)
    # full in the middle, smaller at both ends, never quite gone on a slice it is to show on
    profile = np.sqrt(np.maximum(1 - np.float32(0.8) * rise * rise, 0))[None, None, :]
    lobes, grain = random_field(rng, grid, 14.0), random_field(rng, grid, 5.0)
    ragged = 1 + np.float32(infarct.roughness) * lobes + np.float32(0.5 * infarct.roughness) * grain
    field = np.full(grid.fine_shape, 100.0, dtype=np.float32)
    for part, (centre, radius) in enumerate(zip(infarct.centres, infarct.radii, strict=True)):
        dx, dy = x - np.float32(centre[0]), y - np.float32(centre[1])
        if part == 0:
            outwards = np.array(centre[:2]) / max(float(np.hypot(*centre[:2])), 1.0)
            depth = np.float32(outwards[0]) * dx + np.float32(outwards[1]) * dy
            across = np.float32(outwards[0]) * dy - np.float32(outwards[1]) * dx
            narrow = (
                1 if infarct.territory in ("deep", "lacune") else 1 + np.clip(-depth / np.float32(radius), -0.3, 1) / 2
            )
            distance = np.sqrt((depth * np.float32(0.8)) ** 2 + (across * narrow) ** 2)
            reach = np.float32(radius) * profile
        else:
            climb = (up - np.float32(low + extent / 2) - np.float32(centre[2] - infarct.centres[0][2]))[None, None, :]
            distance = np.sqrt(dx * dx + dy * dy + climb * climb)
            reach = np.float32(radius)
        field = np.minimum(field, distance - reach * ragged)
    side = np.float32(1 if infarct.centres[0][0] > 0 else -1)
    tissue = np.minimum(np.minimum(cortex.pial, deep.basins), cortex.hull - 1)
    outside = np.maximum(np.float32(0.4 - 0.8 * infarct.swelling) - tissue, 1 - side * x)
    slices = (up > low) & (up < low + extent)
    truth = coverage(np.maximum(field, outside), 1.6) * slices
    margin = np.clip(field / np.float32(0.6 * infarct.softness), -20, 20)
    mottled = np.float32(0.9) + np.float32(0.14) * random_field(rng, grid, 6.0)
    grey = 1 - np.float32(0.25) * smooth_step(tissue, 2.5, 6.0)  # white matter changes less
    signal = coverage(outside, 1.6) / (1 + np.exp(margin)) * np.clip(mottled * grey, 0, 1) * slices
    return InfarctMaps(truth=truth, signal=np.float32(infarct.strength) * signal)


def label_infarct(truth: Array, shown: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Ids 0 and 1 [rows, columns, slices]: 1 where the stroke fills half of a voxel, and on slices `shown` in one at least."""
    label = truth >= 0.5
    for number in np.flatnonzero(shown & ~label.any((0, 1))):
        layer = truth[..., number]
        label[..., number] = layer >= max(float(layer.max()), 1e-6)
    return label.astype(np.uint8)
