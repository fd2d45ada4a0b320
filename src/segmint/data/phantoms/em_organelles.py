"""What cells hold: mitochondria with cristae, dark bodies that are none, vesicles. Lengths are nm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmint.data.phantoms.em_cells import Cells, Sections
from segmint.data.phantoms.fields import random_field
from segmint.data.phantoms.grid import Array, Grid
from segmint.data.phantoms.shapes import coverage

_CLEARANCE = 18.0
"""Cytoplasm between an organelle and the wall of its cell."""


@dataclass(frozen=True)
class Organelles:
    """Shares in [0, 1] and patterns on the fine grid [rows, columns, sections]."""

    mitochondrion: Array
    """Envelope included."""
    envelope: Array
    """The dark double membrane around mitochondria."""
    cristae: Array
    """Pattern of folds within mitochondria, about -1 to 1."""
    body: Array
    """Lysosomes and the like: dark, round, without folds."""
    vesicles: Array
    """Darkness of vesicles, 0 to 1; negative in the clear middle of a vesicle."""


@dataclass(frozen=True)
class _Ellipse:
    """A long body whose sections are ellipses."""

    cell: int
    offset: tuple[float, float]
    """From the cell's centre."""
    axes: tuple[float, float]
    turn: float
    middle: float
    """Height of its middle above the lowest section."""
    half_length: float
    fold: float
    """Direction of its folds."""
    folded: bool


def place_organelles(rng: np.random.Generator, grid: Grid, cells: Cells, sections: Sections) -> Organelles:
    """Fill the cells of a stack."""
    shape = grid.fine_shape
    maps = {name: np.zeros(shape, dtype=np.float32) for name in ("mitochondrion", "envelope", "cristae", "body")}
    rough = random_field(rng, grid, (60.0, 60.0, 200.0))
    waves = random_field(rng, grid, (90.0, 90.0, 120.0))
    front, right, up = grid.fine_axes()
    heights = up - np.float32(grid.box[2][0])
    for body in _draw_bodies(rng, grid, cells):
        for section, height in enumerate(heights):
            part = 1 - ((float(height) - body.middle) / body.half_length) ** 2
            if part > 0.03:
                centre = (
                    cells.centre[body.cell]
                    + height * cells.drift[body.cell]
                    + np.asarray(body.offset, dtype=np.float32)
                )
                reach = body.axes[0] + 110
                rows = slice(*np.searchsorted(-front, (-centre[1] - reach, -centre[1] + reach)))
                columns = slice(*np.searchsorted(-right, (-centre[0] - reach, -centre[0] + reach)))
                box = rows, columns, section
                if sections.x[box].size:
                    _add_section(
                        maps, sections, body, box, centre, part**0.5, rough[box], waves[box], grid.fine_spacing[0]
                    )
    return Organelles(**maps, vesicles=_scatter_vesicles(rng, grid, cells, sections, maps))


def _draw_bodies(rng: np.random.Generator, grid: Grid, cells: Cells) -> list[_Ellipse]:
    """Mitochondria, and a few bodies without folds, in cells wide enough; none overlaps another in its cell."""
    depth = grid.box[2][1] - grid.box[2][0]
    bodies: list[_Ellipse] = []
    richness = rng.uniform(0.7, 1.5)
    for number in np.flatnonzero(cells.radius > 105):
        radius = float(cells.radius[number])
        taken: list[tuple[float, float, float]] = []
        for _ in range(int(rng.poisson(richness * min((radius / 210) ** 2, 3.0)))):
            long = float(min(rng.uniform(85, 230), 0.62 * radius))
            short = long * float(rng.uniform(0.5, 0.9))
            away, angle = 0.55 * radius * rng.uniform() ** 0.5, rng.uniform(0, 2 * np.pi)
            at = float(away * np.cos(angle)), float(away * np.sin(angle))
            if any(np.hypot(at[0] - x, at[1] - y) < long + r + 15 for x, y, r in taken):
                continue
            taken.append((*at, long))
            bodies.append(
                _Ellipse(
                    cell=int(number),
                    offset=at,
                    axes=(long, short),
                    turn=float(rng.uniform(0, np.pi)),
                    middle=float(rng.uniform(-120, depth + 120)),
                    half_length=float(rng.uniform(180, 700)),
                    fold=float(rng.uniform(0, np.pi)),
                    folded=bool(rng.random() > 0.14),
                )
            )
    return bodies


def _add_section(
    maps: dict[str, Array],
    sections: Sections,
    body: _Ellipse,
    box: tuple[slice, slice, int],
    centre: Array,
    part: float,
    rough: Array,
    waves: Array,
    pixel: float,
) -> None:
    """Draw one body into `box` of one section, where it has `part` of its full width; `rough` and `waves` are of the box."""
    dx, dy = sections.x[box] - centre[0], sections.y[box] - centre[1]
    cosine, sine = np.float32(np.cos(body.turn)), np.float32(np.sin(body.turn))
    long, short = (np.float32(axis * part) for axis in body.axes)
    u, v = (cosine * dx + sine * dy) / long, (cosine * dy - sine * dx) / short
    length = np.sqrt(u * u + v * v)
    slope = np.sqrt((u / long) ** 2 + (v / short) ** 2)
    distance = length * (length - 1) / np.maximum(slope, np.float32(1e-6)) + np.float32(7) * rough
    distance = np.maximum(distance, np.float32(_CLEARANCE) - sections.depth[box])
    distance = np.where(sections.cell[box] == body.cell, distance, np.float32(99))
    inside = coverage(distance, pixel)
    if not body.folded:
        maps["body"][box] = np.maximum(maps["body"][box], inside)
        return
    fold_x, fold_y = np.float32(np.cos(body.fold)), np.float32(np.sin(body.fold))
    phase = (fold_x * dx + fold_y * dy) * np.float32(2 * np.pi / 62) + np.float32(1.3) * waves
    maps["mitochondrion"][box] = np.maximum(maps["mitochondrion"][box], inside)
    rim = coverage(np.abs(distance + np.float32(9)) - np.float32(9), pixel)
    maps["envelope"][box] = np.maximum(maps["envelope"][box], rim)
    maps["cristae"][box] = np.where(inside > 0, np.sin(phase), maps["cristae"][box])


def _scatter_vesicles(
    rng: np.random.Generator, grid: Grid, cells: Cells, sections: Sections, maps: dict[str, Array]
) -> Array:
    """Clusters of clear vesicles with a dark membrane, and single ones with a dense core; each lives in one section."""
    picture = np.zeros(grid.fine_shape, dtype=np.float32)
    rows, columns, count = grid.fine_shape
    pixel = grid.fine_spacing[0]
    crowded = rng.random(len(cells.radius)) < 0.35
    centres = random_field(rng, grid, (170.0, 170.0, 200.0))
    area = (rows * pixel) * (columns * pixel) / 1e6
    for section in range(count):
        for dense, number in ((False, int(950 * area)), (True, int(rng.poisson(7 * area)))):
            row, column = rng.integers(0, rows, number), rng.integers(0, columns, number)
            radius = rng.uniform(32, 52, number) if dense else rng.normal(22, 2, number)
            free = sections.depth[row, column, section] > radius + 8
            free &= (maps["mitochondrion"] + maps["body"])[row, column, section] == 0
            if not dense:
                free &= crowded[sections.cell[row, column, section]] & (centres[row, column, section] > 0.45)
            _stamp(picture[..., section], row[free], column[free], radius[free], pixel, dense=dense)
    return picture


def _stamp(
    picture: Array,
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    radius: NDArray[np.float64],
    pixel: float,
    *,
    dense: bool,
) -> None:
    """Draw round vesicles in place: a dark ring around a clear middle, or a dark core."""
    if not row.size:
        return
    reach = int(np.ceil((radius.max() + 10) / pixel))
    offsets = np.arange(-reach, reach + 1)
    distance = np.hypot(offsets[:, None], offsets[None, :]).astype(np.float32) * np.float32(pixel)
    size = radius.astype(np.float32)[:, None, None]
    if dense:
        ink = coverage(distance - size, 2 * pixel)
    else:
        ring = np.exp(-(((distance - size) / np.float32(8)) ** 2))
        ink = ring - np.float32(0.35) * coverage(distance - size + 8, pixel)
    at_row = np.broadcast_to((row[:, None] + offsets)[:, :, None], ink.shape)
    at_column = np.broadcast_to((column[:, None] + offsets)[:, None, :], ink.shape)
    ok = (at_row >= 0) & (at_row < picture.shape[0]) & (at_column >= 0) & (at_column < picture.shape[1])
    np.add.at(picture, (at_row[ok], at_column[ok]), ink[ok])
    np.clip(picture, -0.4, 1, out=picture)
