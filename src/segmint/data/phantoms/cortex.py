"""The folded cortex: how deep each point lies below the pial surface, with its gyri, sulci and fissures.

The brain's outline is a blunt ellipsoid cut by the interhemispheric fissure. Sulci are sheets that hang from that surface:
the zero set of a band-limited random function, read at the nearest point of the surface and so constant along the
normal, down to a depth that varies along the sheet. Every surface, folded or not, is a distance in mm, which gives the cortex
its even thickness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from segmint.data.phantoms.fields import FoldNoise, random_field
from segmint.data.phantoms.grid import Array, Grid
from segmint.data.phantoms.head import Head
from segmint.data.phantoms.shapes import Points, blend

_WIDTH, _LENGTH, _HEIGHT, _DEPTH = 64.0, 79.0, 71.0, 62.0
"""Half axes of the standard brain, mm: right, front, up and down."""


@dataclass(frozen=True)
class Cortex:
    """Distances in mm on the fine grid."""

    hull: Array
    """Depth below the brain's smooth outline, negative outside."""
    pial: Array
    """Distance to the nearest pial surface, negative in the fluid of sulci and fissures and outside."""
    boundary: Array
    """As `pial`, for the outline and the interhemispheric fissure alone: what even a tumour does not cross."""
    sylvian: Array
    """Distance to the Sylvian fissure's middle sheet."""
    fissure: Array
    """Distance to the interhemispheric fissure's middle sheet."""


def fold_cortex(
    rng: np.random.Generator, grid: Grid, head: Head, *, points: Points, outline: Array, core: Array
) -> Cortex:
    """Draw the cortex of a brain.

    Args:
        points: where the fine voxels lie in the standard brain (right, front, up; mm).
        outline: depth below the brain's smooth outline, mm.
        core: signed distance to the deep structures, mm; sulci stop short of them.
    """
    x, y, z = points
    hull = outline - np.float32(0.6 + 1.6 * head.age)
    below_arch = _below_arch(y, z)
    fissure = np.sqrt(x * x + below_arch * below_arch)
    sylvian = _sylvian(x, y, z)
    surface = blend(hull, fissure - np.float32(0.8), 4.0)

    opening = np.float32(0.7) + np.float32(1.6) * np.exp(-np.maximum(hull, 0) / 5)
    boundary = np.minimum(surface, fissure - opening)
    ragged = np.float32(0.45) * random_field(rng, grid, 6.0) + np.float32(0.35) * random_field(rng, grid, 12.0)
    insular_cistern = sylvian - np.float32(0.8 + 1.1 * head.age) * np.exp(ragged)
    off_limits = np.maximum(5 - core, np.minimum(20 - np.abs(x), below_arch - np.float32(0.5)))
    sulci = _sulci(rng, grid, head, points=points, surface=surface, off_limits=off_limits)
    pial = np.minimum(np.minimum(boundary, insular_cistern), sulci)
    return Cortex(hull=hull, pial=pial, boundary=boundary, sylvian=sylvian, fissure=fissure)


def _sulci(
    rng: np.random.Generator, grid: Grid, head: Head, *, points: Points, surface: Array, off_limits: Array
) -> Array:
    """Signed distance to the walls of the sulci, mm: two generations, deep ones far apart and shallow ones between.

    Args:
        surface: depth below the unfolded surface, mm.
        off_limits: depth inside the parts of the brain that have no sulci, mm.
    """
    slopes = np.gradient(surface, *grid.fine_spacing)
    downwards = (-slopes[1], -slopes[0], slopes[2])  # rows run to the back and columns to the left
    bends = [np.float32(0.25) * random_field(rng, grid, 15.0) for _ in range(3)]
    spread = np.float32(0.8 + 0.5 * head.age)
    widening = np.float32(0.5 + 1.1 * head.age) * np.exp(-np.maximum(surface, 0) / 4)
    walls = np.full_like(surface, 100.0)
    for scale, deepest, deviation, gap in ((10.5, head.sulci, 6.0, 0.5), (6.5, 0.4 * head.sulci, 3.0, 0.3)):
        reach = np.float32(deepest) + np.float32(deviation) * random_field(rng, grid, 12.0)
        folded = (surface > -1) & (surface < reach + 5) & (off_limits < 5)
        depth = surface[folded]
        foot = np.stack(
            [p[folded] + depth * (b[folded] - s[folded]) for p, s, b in zip(points, downwards, bends, strict=True)]
        )
        foot[0] += np.float32(60) * np.sign(foot[0])  # the halves of a brain fold each in its own way
        noise = np.zeros_like(surface)
        noise[folded] = FoldNoise(rng, scale)(foot)
        steepness = np.sqrt(sum(g * g for g in np.gradient(noise, *grid.fine_spacing)))
        # first-order distance to the zero set; the bounds keep flat spots and folded edges from passing for sulci
        sheet = np.abs(noise) / np.clip(steepness, 0.3 / scale, 1.6 / scale)
        below = np.maximum(np.maximum(surface - reach, off_limits), 0)
        sulcus = np.sqrt(sheet * sheet + below * below) - np.float32(gap) * spread - widening
        walls = np.where(folded, np.minimum(walls, sulcus), walls)
    return walls


def brain_outline(points: Points) -> Array:
    """Depth below the outline: a superellipsoid (exponent 2.25), narrower at the front."""
    x, y, z = points
    width = np.float32(_WIDTH) * (1 - np.float32(0.07 / _LENGTH) * (y + 12))
    unit = (
        np.abs(x) / width,
        np.abs(y) / np.float32(_LENGTH),
        np.where(z > 0, z / np.float32(_HEIGHT), -z / np.float32(_DEPTH)),
    )
    radius = sum(u * u * np.sqrt(np.sqrt(u)) for u in unit) ** np.float32(1 / 2.25)
    # |gradient of radius| is close to 1 / (length of the ray to the surface) for so round a body
    ray = np.sqrt(x * x + y * y + z * z) / np.maximum(radius, np.float32(1e-3))
    return cast(Array, (1 - radius) * ray)


def _below_arch(y: Array, z: Array) -> Array:
    """How far a point lies below the arch of the corpus callosum, where the interhemispheric fissure ends; 0 outside."""
    y_front = np.float32(35) + np.float32(1.3) * np.minimum(z + 2, 0)
    y_back = np.float32(-36) - np.float32(0.3) * np.minimum(z, 0)
    middle, half = (y_front + y_back) / 2, (y_front - y_back) / 2
    height = np.maximum(z - 6, 0) / np.float32(23)
    arch = np.sqrt(((y - middle) / half) ** 2 + height * height)
    return cast(Array, np.maximum(1 - arch, 0) * np.float32(24))


def _sylvian(x: Array, y: Array, z: Array) -> Array:
    """Distance to the insular cistern and the cleft that opens it to the side, on both sides of the head."""
    side = np.abs(x)
    beyond = np.maximum(np.abs(z - 3) - 13, 0)
    # the insula bulges outwards; its cistern shortens towards top and bottom
    half = 20 * np.sqrt(np.clip(1 - ((z - 4) / 24) ** 2, 0, 1))
    centre = 3 - np.float32(0.2) * z
    along = np.clip(y, centre - half, centre + half)
    insula = np.float32(39) - np.float32(0.012) * (along - centre) ** 2 + np.float32(0.08) * z
    to_insula = (side - insula) ** 2 + (y - along) ** 2
    # between the opercula: oblique, further back at higher levels
    across = np.clip(side, np.float32(38), np.float32(72))
    cleft = 4 - np.float32(0.8) * z + np.float32(0.3) * (across - 38)
    to_cleft = (side - across) ** 2 + (y - cleft) ** 2
    return cast(Array, np.sqrt(np.minimum(to_insula, to_cleft) + beyond * beyond))
