"""What lies around the brain: fluid, skull with its marrow, muscle, scalp, and the frontal sinus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segmint.data.phantoms.fields import random_field
from segmint.data.phantoms.grid import Array, Grid
from segmint.data.phantoms.shapes import Points, coverage, smooth_step

_EDGE = 1.4
"""Width of a border, mm."""


@dataclass(frozen=True)
class Skull:
    """Shares in [0, 1] on the fine grid; they add up to 1 in the head outside the brain's outline."""

    bone: Array
    marrow: Array
    muscle: Array
    fat: Array
    skin: Array
    head: Array
    """Everything within the skin, the brain included, and the air of the sinuses too."""


def enclose_brain(rng: np.random.Generator, grid: Grid, *, points: Points, outline: Array) -> Skull:
    """Build skull and scalp.

    Args:
        points: where the fine voxels lie in the head (right, front, up; mm).
        outline: depth below the brain's smooth outline, mm.
    """
    x, y, z = points
    out = -outline
    uneven = random_field(rng, grid, 25.0)
    thick_bone = np.float32(rng.uniform(5.0, 7.5)) + np.float32(0.8) * uneven
    thick_bone = thick_bone + np.float32(2.5) * smooth_step(np.abs(y) - np.float32(45), 0.0, 30.0)
    thick_scalp = np.float32(rng.uniform(4.0, 7.5)) + np.float32(0.9) * random_field(rng, grid, 30.0)
    # the temporal muscle beside the skull, and the neck's behind it, lower down
    temple = smooth_step(np.abs(x), 42.0, 58.0) * (1 - smooth_step(np.abs(y - 12), 18.0, 42.0))
    temple = temple * (1 - smooth_step(z, -4.0, 34.0))
    neck = (
        (1 - smooth_step(y, -80.0, -62.0)) * (1 - smooth_step(z, -14.0, 6.0)) * (1 - smooth_step(np.abs(x), 35.0, 55.0))
    )
    thick_muscle = np.float32(rng.uniform(7.0, 12.0)) * np.maximum(temple, np.float32(0.8) * neck)

    inner = np.float32(2.2)
    outer = inner + thick_bone
    within_skull = coverage(out - outer, _EDGE)
    shell = within_skull * (1 - coverage(out - inner, _EDGE))
    from_middle = np.abs(out - np.float32(0.5) * (inner + outer))
    marrow = coverage(from_middle - (np.float32(0.5) * thick_bone - np.float32(1.7)), _EDGE) * shell
    marrow = marrow * np.clip(np.float32(0.75) + np.float32(0.3) * random_field(rng, grid, 9.0), 0, 1)
    sinus_width = np.float32(rng.uniform(6, 18))
    above = z - np.float32(rng.uniform(-6, 14))
    front = np.maximum(above, np.abs(y - 84) - 8)
    sinus = coverage(np.maximum(np.abs(x) - sinus_width, front), 3.0)
    marrow = marrow * (1 - sinus)

    muscle_end = outer + thick_muscle
    within_muscle = coverage(out - muscle_end, _EDGE)
    skin_start = muscle_end + thick_scalp
    within_fat = coverage(out - skin_start, _EDGE)
    head = coverage(out - (skin_start + np.float32(1.8)), _EDGE)
    return Skull(
        bone=shell - marrow,
        marrow=marrow,
        muscle=np.maximum(within_muscle - within_skull, 0),
        fat=np.maximum(within_fat - within_muscle, 0),
        skin=np.maximum(head - within_fat, 0),
        head=head,
    )
