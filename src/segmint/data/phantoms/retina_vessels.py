"""Vessels of a retina: arteries and veins that leave the optic disc, arch around the macula, taper and branch.

Every vessel is walked step by step. Its course is a slow bend with a meander upon it; the two daughters of a fork obey Murray's
law (r^3 = r1^3 + r2^3). Vessels of one kind do not cross: the thinner one ends. Arteries do cross veins.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmint.data.phantoms.grid import Array

_STEP = 0.016
"""Length of a step, radii of the lit disc."""
_CELL = 0.026
"""Side of the squares in which a vessel looks for others."""
_THINNEST = 0.0068
_ARTERY, _VEIN = 0, 1


@dataclass(frozen=True)
class Fundus:
    """Where things lie in an eye. Lengths in radii of the lit disc, x to the right of the picture, y upwards."""

    disc: tuple[float, float]
    disc_radius: float
    temporal: float
    """+1 where the temple lies to the right, else -1."""
    macula: tuple[float, float]
    calibre: float
    """Width of the vessels against the usual one."""
    meander: float
    """How much vessels wind, radians."""
    density: float
    """Branches on a length of 1."""

    @classmethod
    def draw(cls, rng: np.random.Generator, *, right_eye: bool) -> Fundus:
        """Draw an eye: the optic disc is near the middle, or nasal of it where the macula is in view."""
        temporal = -1.0 if right_eye else 1.0
        centred = rng.random() < 0.6
        aside = rng.normal(0, 0.07) if centred else rng.uniform(0.3, 0.5)
        radius = float(rng.uniform(0.16, 0.225) if centred else rng.uniform(0.125, 0.165))
        disc = (-temporal * float(aside), float(rng.normal(0.02, 0.07)))
        away = radius * float(rng.uniform(4.3, 5.2))
        return cls(
            disc=disc,
            disc_radius=radius,
            temporal=temporal,
            macula=(disc[0] + temporal * away, disc[1] - 0.3 * radius + float(rng.normal(0, 0.03))),
            calibre=float(rng.uniform(0.8, 1.1)),
            meander=float(rng.uniform(0.12, 0.32)),
            density=float(rng.uniform(2.4, 4.2)),
        )


@dataclass(frozen=True)
class Vessels:
    """Points along all vessels, closer together than the vessels are wide."""

    x: Array
    y: Array
    radius: Array
    vein: NDArray[np.bool_]


@dataclass
class _Walker:
    kind: int
    vessel: int
    x: float
    y: float
    heading: float
    radius: float
    bend: float
    """Change of heading over a length of 1."""
    life: float
    """Length after which it ends."""
    parent: int


def grow_vessels(rng: np.random.Generator, fundus: Fundus) -> Vessels:
    """Grow the tree of vessels of one eye, cut where it leaves the lit disc."""
    queue: list[tuple[float, int, _Walker]] = []
    count = 0

    def push(walker: _Walker) -> None:
        nonlocal count
        count += 1
        walker.vessel = count
        heapq.heappush(queue, (-walker.radius, count, walker))

    for walker in _trunks(rng, fundus):
        push(walker)
    occupied: tuple[dict[tuple[int, int], int], ...] = ({}, {})
    points: list[tuple[float, float, float, int]] = []
    while queue:
        walker = heapq.heappop(queue)[2]
        for daughter in _walk(rng, fundus, walker, occupied, points):
            push(daughter)
    x, y, radius, kind = np.array(points, dtype=np.float32).T
    inside = x * x + y * y < 1.08
    return Vessels(x[inside], y[inside], radius[inside], kind[inside] == _VEIN)


def _trunks(rng: np.random.Generator, fundus: Fundus) -> list[_Walker]:
    """The vessels that leave the disc: an artery and a vein to each quadrant, and small ones to the sides."""
    walkers = []

    def add(kind: int, angle: float, radius: float, bend: float, life: float) -> None:
        # angles are measured from the temple towards the top
        heading = angle if fundus.temporal > 0 else math.pi - angle
        nasal = -0.22 * fundus.disc_radius * fundus.temporal
        walkers.append(
            _Walker(
                kind,
                0,
                fundus.disc[0] + nasal,
                fundus.disc[1],
                heading,
                radius * fundus.calibre,
                bend * fundus.temporal,
                life,
                -1,
            )
        )

    for kind, width in ((_ARTERY, 0.021), (_VEIN, 0.027)):
        for upwards in (1.0, -1.0):
            shift = 0.15 * (1 if kind == _VEIN else -1) * (1 if rng.random() < 0.5 else -1)
            temporal = math.radians(rng.uniform(58, 84)) + shift
            add(kind, upwards * temporal, width * rng.uniform(0.88, 1.1), -upwards * rng.uniform(0.35, 0.95), 9.0)
            nasal = math.radians(rng.uniform(108, 150)) + shift
            add(kind, upwards * nasal, width * rng.uniform(0.6, 0.9), upwards * rng.uniform(-0.25, 0.4), 9.0)
    for _ in range(int(rng.integers(3, 8))):
        angle = rng.uniform(-40, 40) if rng.random() < 0.4 else rng.uniform(115, 245)
        length = rng.uniform(0.3, 0.9)
        kind = int(rng.integers(2))
        add(kind, math.radians(angle), rng.uniform(0.0075, 0.0115), rng.normal(0, 0.4), length)
    return walkers


def _walk(
    rng: np.random.Generator,
    fundus: Fundus,
    walker: _Walker,
    occupied: tuple[dict[tuple[int, int], int], ...],
    points: list[tuple[float, float, float, int]],
) -> list[_Walker]:
    """Walk one vessel to its end, noting its points and squares; returns its branches."""
    own = occupied[walker.kind]
    phases = rng.uniform(0, 2 * math.pi, 2)
    waves = 2 * math.pi / rng.uniform((0.25, 0.1), (0.55, 0.2))
    winds = fundus.meander * rng.uniform((0.6, 0.2), (1.4, 0.7))
    (wave, ripple), (sway, tremor), (start, onset) = waves.tolist(), winds.tolist(), phases.tolist()
    taper = math.exp(-_STEP * rng.uniform(0.15, 0.4))
    next_branch = rng.exponential(1 / fundus.density) + 0.1
    side = 1.0 if rng.random() < 0.5 else -1.0
    x, y, heading, radius = walker.x, walker.y, walker.heading, walker.radius
    travelled, since = 0.0, 0.0
    branches: list[_Walker] = []
    while travelled < walker.life and radius > _THINNEST and x * x + y * y < 1.12:
        if walker.parent >= 0:
            outward = math.atan2(y - fundus.disc[1], x - fundus.disc[0])
            heading += 1.6 * _STEP * math.sin(outward - heading)
        to_macula = math.hypot(x - fundus.macula[0], y - fundus.macula[1])
        if to_macula < 0.3:
            if to_macula < 0.09:
                break
            beside = math.atan2(y - fundus.macula[1], x - fundus.macula[0])
            heading += 4.0 * _STEP * math.sin(beside - heading) * (0.3 - to_macula) / 0.3
        heading += walker.bend * _STEP
        fade = min(travelled / 0.12, 1.0)
        wind = sway * math.sin(travelled * wave + start) + tremor * math.sin(travelled * ripple + onset)
        direction = heading + fade * wind
        x += _STEP * math.cos(direction)
        y += _STEP * math.sin(direction)
        square = (math.floor(x / _CELL), math.floor(y / _CELL))
        other = own.get(square, walker.vessel)
        if other not in (walker.vessel, walker.parent) and math.hypot(x - fundus.disc[0], y - fundus.disc[1]) > 0.08:
            break
        if other == walker.parent and travelled > 0.09:
            break
        own.setdefault(square, walker.vessel)
        points.append((x, y, radius, walker.kind))
        travelled += _STEP
        since += _STEP
        radius *= taper
        if since > next_branch and radius > 1.08 * _THINNEST and travelled > 0.07:
            since, next_branch = 0.0, rng.exponential(1 / fundus.density) * 0.8 + 0.06
            side = -side if rng.random() < 0.75 else side
            fork = rng.random() < 0.4 and radius > 1.6 * _THINNEST
            share = rng.uniform(0.62, 0.88) if fork else rng.uniform(0.38, 0.62)
            daughter = max(radius * share, 1.05 * _THINNEST)
            angle = math.radians(rng.uniform(22, 42) if fork else rng.uniform(35, 70))
            life = 9.0 if daughter > 1.5 * _THINNEST else rng.uniform(0.25, 0.9)
            bend = walker.bend * 0.4 + rng.normal(0, 0.5) - side * rng.uniform(0, 0.9)
            branches.append(
                _Walker(walker.kind, 0, x, y, direction + side * angle, daughter, bend, life, walker.vessel)
            )
            radius = max((radius**3 - min(daughter, 0.95 * radius) ** 3) ** (1 / 3), 0.8 * radius)
            if fork:
                heading -= side * math.radians(rng.uniform(5, 18))
    return branches


def stamp_vessels(vessels: Vessels, *, x: Array, y: Array, chosen: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Draw the chosen points as overlapping discs.

    Args:
        x: positions of the columns, evenly spaced.
        y: positions of the rows, evenly spaced.

    Returns:
        Share of each pixel that is vessel, in [0, 1], and depth of the blood in it, both [rows, columns].
    """
    pixel = abs(float(x[1] - x[0]))
    shape = (y.size, x.size)
    cover, depth = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    px, py, pr = (values[chosen] for values in (vessels.x, vessels.y, vessels.radius))
    for low, high, parts in ((0.0, 0.012, 3), (0.012, 1.0, 2)):
        between = np.linspace(0, 1, parts, endpoint=False, dtype=np.float32)[:, None]
        few = (pr >= low) & (pr < high)
        if not few.any():
            continue
        cx, cy, cr = px[few], py[few], pr[few]
        near = np.hypot(np.diff(cx, append=cx[-1]), np.diff(cy, append=cy[-1])) < 1.5 * _STEP
        dx, dy = np.diff(cx, append=cx[-1]) * near, np.diff(cy, append=cy[-1]) * near
        cx, cy, cr = (cx + between * dx).ravel(), (cy + between * dy).ravel(), np.tile(cr, parts)
        reach = int(np.ceil(cr.max() / pixel + 1))
        offsets = np.arange(-reach, reach + 1)
        column = np.rint((cx - x[0]) / (x[1] - x[0])).astype(np.intp)[:, None] + offsets
        row = np.rint((cy - y[0]) / (y[1] - y[0])).astype(np.intp)[:, None] + offsets
        ok_column, ok_row = (column >= 0) & (column < x.size), (row >= 0) & (row < y.size)
        column, row = column.clip(0, x.size - 1), row.clip(0, y.size - 1)
        square = ((y[row] - cy[:, None]) ** 2)[:, :, None] + ((x[column] - cx[:, None]) ** 2)[:, None, :]
        ok = ok_row[:, :, None] & ok_column[:, None, :]
        index = (row[:, :, None] * x.size + column[:, None, :])[ok]
        radius = np.broadcast_to(cr[:, None, None], square.shape)[ok]
        square = square[ok]
        share = np.clip(np.float32(0.5) + (radius - np.sqrt(square)) / np.float32(pixel), 0, 1)
        through = 2 * np.sqrt(np.maximum(radius * radius - square, 0))
        np.maximum.at(cover.reshape(-1), index, share)
        np.maximum.at(depth.reshape(-1), index, through)
    return cover, depth
