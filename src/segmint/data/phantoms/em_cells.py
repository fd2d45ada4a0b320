"""Nerve cells packed side by side, as a stack of thin sections cuts them: which cell each point lies in, how far from its wall.

Cells are the regions of a Voronoi diagram in which every centre measures distance by an ellipse of its own, so that thick
processes lie among bundles of thin ones. Centres drift from section to section, and the plane is warped, so walls are wavy.
Lengths are nm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmint.data.phantoms.fields import random_field
from segmint.data.phantoms.grid import Array, Grid

_MARGIN = 350.0
"""How far beyond the picture cells are packed."""
_DEEPEST = 500.0
"""Beyond this distance from a wall nobody asks how far it is."""
_GENERATIONS = ((330.0, 470.0, 25), (190.0, 320.0, 90), (110.0, 180.0, 350), (62.0, 105.0, 1500))
"""Least and largest radius, and number of attempts to place one, largest first."""


@dataclass(frozen=True)
class Cells:
    """Packed cells; arrays over cells, except where said."""

    centre: Array
    """[cells, 2] (right, front) in the lowest section."""
    drift: Array
    """[cells, 2] sideways for each nm upwards."""
    metric: Array
    """[cells, 3] (xx, yy, xy) of the ellipse's quadratic form, 1 at about half the cell's radius."""
    radius: Array
    shade: Array
    """Brightness of the cytoplasm against the usual one."""
    grain: Array
    """Strength of its granularity against the usual one."""

    @classmethod
    def pack(cls, rng: np.random.Generator, grid: Grid, *, scale: float) -> Cells:
        """Pack cells, `scale` times the usual size, into the picture and a margin around it."""
        half = grid.box[0][1] + _MARGIN
        attempts_in_all = 2 * sum(attempts for _, _, attempts in _GENERATIONS)
        x, y, r = np.empty((3, attempts_in_all))
        count = 0
        crowding = rng.uniform(0.4, 1.6)
        for generation, (least, largest, attempts) in enumerate(_GENERATIONS):
            tries = int(attempts * crowding) if generation < 2 else attempts
            places = rng.uniform(-half, half, (tries, 2))
            sizes = scale * rng.uniform(least, largest, tries)
            for (at_x, at_y), size in zip(places.tolist(), sizes.tolist(), strict=True):
                square = (x[:count] - at_x) ** 2 + (y[:count] - at_y) ** 2
                if not (square < (0.8 * (r[:count] + size)) ** 2).any():
                    x[count], y[count], r[count] = at_x, at_y, size
                    count += 1
        centre, radius = np.stack([x[:count], y[:count]], axis=1), r[:count]
        elongation = np.exp(np.abs(rng.normal(0, 0.3, count)))
        turn = rng.uniform(0, np.pi, count)
        long, short = 1 / (radius * elongation) ** 2, (elongation / radius) ** 2
        cosine, sine = np.cos(turn), np.sin(turn)
        xx, yy = long * cosine**2 + short * sine**2, long * sine**2 + short * cosine**2
        dark = (rng.random(count) < 0.09) & (radius < 260 * scale)
        return cls(
            centre=centre.astype(np.float32),
            drift=(rng.normal(0, 0.12, 2) + rng.normal(0, 0.2, (count, 2))).astype(np.float32),
            metric=np.stack([xx, yy, (long - short) * cosine * sine], axis=1).astype(np.float32),
            radius=radius.astype(np.float32),
            shade=np.where(dark, rng.uniform(0.6, 0.8, count), rng.normal(1, 0.055, count)).astype(np.float32),
            grain=np.exp(rng.normal(0, 0.35, count)).astype(np.float32),
        )


@dataclass(frozen=True)
class Sections:
    """What sections through cells show, on the fine grid [rows, columns, sections]."""

    cell: NDArray[np.int32]
    """Number of the cell."""
    depth: Array
    """Distance to the nearest wall of the cell."""
    x: Array
    """Where the point lies before warping, to the right."""
    y: Array
    """The same, to the front."""


def cut_sections(rng: np.random.Generator, grid: Grid, cells: Cells) -> Sections:
    """Cut the stack; `rng` draws the waviness of the walls."""
    front, right, up = grid.fine_axes()
    warps = [
        np.float32(26) * random_field(rng, grid, (150.0, 150.0, 250.0))
        + np.float32(9) * random_field(rng, grid, (55.0, 55.0, 160.0))
        for _ in range(2)
    ]
    x, y = right[None, :, None] + warps[0], front[:, None, None] + warps[1]
    cell = np.empty(grid.fine_shape, dtype=np.int32)
    depth = np.empty(grid.fine_shape, dtype=np.float32)
    for section, height in enumerate(up):
        cell[..., section], depth[..., section] = _nearest(
            cells, x[..., section].copy(), y[..., section].copy(), front, right, float(height - grid.box[2][0])
        )
    return Sections(cell, depth, x, y)


def _nearest(
    cells: Cells, x: Array, y: Array, front: Array, right: Array, height: float
) -> tuple[NDArray[np.int32], Array]:
    """Cell and distance to the wall of each point (x, y), whose unwarped places are `front` and `right`, both falling."""
    first, second = (np.full(x.shape, np.inf, dtype=np.float32) for _ in range(2))
    owner, rival = np.zeros(x.shape, dtype=np.int32), np.zeros(x.shape, dtype=np.int32)
    places = cells.centre + np.float32(height) * cells.drift
    for number, (place, radius, (xx, yy, xy)) in enumerate(zip(places, cells.radius, cells.metric, strict=True)):
        reach = 2.1 * radius + 90
        rows = slice(*np.searchsorted(-front, (-place[1] - reach, -place[1] + reach)))
        columns = slice(*np.searchsorted(-right, (-place[0] - reach, -place[0] + reach)))
        box = rows, columns
        dx, dy = x[box] - place[0], y[box] - place[1]
        if not dx.size:
            continue
        square = dx * (xx * dx + 2 * xy * dy) + yy * dy * dy
        best, next_best = first[box], second[box]
        wins = square < best
        places_second = ~wins & (square < next_best)
        rival[box] = np.where(wins, owner[box], np.where(places_second, number, rival[box]))
        second[box] = np.where(wins, best, np.where(places_second, square, next_best))
        owner[box] = np.where(wins, number, owner[box])
        first[box] = np.where(wins, square, best)

    def slope(number: NDArray[np.int32], length: Array) -> tuple[Array, Array]:
        dx, dy = x - places[number, 0], y - places[number, 1]
        xx, yy, xy = (cells.metric[number, part] for part in range(3))
        return (xx * dx + xy * dy) / length, (xy * dx + yy * dy) / length

    one, two = (np.sqrt(np.clip(square, 1e-4, 1e4)) for square in (first, second))
    (ax, ay), (bx, by) = slope(owner, one), slope(rival, two)
    steepness = np.hypot(bx - ax, by - ay)
    return owner, np.minimum((two - one) / np.maximum(steepness, np.float32(1e-4)), np.float32(_DEEPEST))
