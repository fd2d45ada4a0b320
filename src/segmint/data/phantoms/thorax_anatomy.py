"""Shapes of the chest: organs, great vessels, airways, lungs, bones and body, as signed distances (mm, negative inside).

Coordinates are right, front, up from a point in front of a thoracic vertebra at the height of the diaphragm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

import numpy as np

from segmint.data.phantoms.grid import Array
from segmint.data.phantoms.shapes import Points, blend, ellipsoid, tapered_tube

Path = Sequence[tuple[float, float, float, float]]
"""Points (right, front, up) along a tube, and its radius at each."""


@dataclass(frozen=True)
class Chest:
    """One subject's build. Lengths in mm."""

    width: float
    depth: float
    """Half the width and depth of the rib cage."""
    fat: float
    """Thickness of the fat under the skin."""
    muscle: float
    breast: float
    """Size of the breasts; 0: none."""
    carina: float
    """Height at which the trachea forks."""
    arch: float
    """Height of the aortic arch's top."""
    heart: float
    """Size of the heart against the usual one."""
    calibre: float
    """Width of the aorta against the usual one."""
    dome: tuple[float, float]
    """Height of the right and the left dome of the diaphragm."""
    sway: tuple[float, ...]
    """Sideways and front-back departures of the oesophagus and the descending aorta from their usual courses."""
    rib_phase: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Chest:
        """Draw a subject."""
        carina = float(rng.normal(98, 5))
        dome = float(rng.normal(26, 8))
        return cls(
            width=float(rng.normal(122, 6)),
            depth=float(rng.normal(92, 6)),
            fat=float(np.clip(rng.gamma(3.0, 4.0), 4, 26)),
            muscle=float(rng.uniform(9, 17)),
            breast=float(rng.uniform(0.6, 1.2)) if rng.random() < 0.5 else 0.0,
            carina=carina,
            arch=carina + float(rng.normal(27, 3)),
            heart=float(np.clip(rng.normal(1.0, 0.09), 0.8, 1.25)),
            calibre=float(np.clip(rng.normal(1.0, 0.12), 0.75, 1.35)),
            dome=(dome, dome - float(rng.uniform(4, 14))),
            sway=tuple(float(s) for s in rng.normal(0, 3.5, 8)),
            rib_phase=float(rng.uniform(0, 26)),
        )


@dataclass(frozen=True)
class Organs:
    """Signed distances."""

    trachea: Array
    bronchi: Array
    oesophagus: Array
    aorta: Array
    heart: Array
    chambers: Array
    pulmonary: Array
    """Pulmonary artery and its main branches."""
    veins: Array
    """Caval, brachiocephalic and azygos veins."""
    branches: Array
    """Arteries that leave the aortic arch."""


def draw_organs(points: Points, chest: Chest) -> Organs:
    """The organs of one chest."""
    c, a, k, s = chest.carina, chest.arch, chest.calibre, chest.sway
    near = (np.abs(points[0]) < 88) & (np.abs(points[1] - 8) < 80)
    points = tuple(p[near] for p in points)

    def everywhere(distance: Array) -> Array:
        # far from the mediastinum nothing asks how far
        whole = np.full(near.shape, 60.0, dtype=np.float32)
        whole[near] = distance
        return whole

    trachea = tube(points, ((s[0] / 2, -6, 200, 9.5), (s[0] / 2, -10, c + 40, 9.0), (2, -19, c, 9.5)))
    bronchi = np.minimum(
        tube(points, ((2, -19, c, 8.0), (27, -22, c - 20, 7.0), (46, -26, c - 48, 4.0))),
        tube(points, ((2, -19, c, 7.5), (-36, -26, c - 24, 6.0), (-50, -34, c - 52, 3.5))),
    )
    # flattened from front to back, most of all behind the trachea
    flat = (points[0], points[1] * np.float32(1.3), points[2])
    course: Path = (
        (-4, -32, 200, 8.0),
        (-6 + s[1], -36 + s[2] / 2, c + 10, 7.5),
        (-3 + s[3], -36 + s[2] / 2, c - 25, 7.0),
        (-8 + s[1], -34 + s[4] / 2, 40, 8.0),
        (-19 + s[3], -25 + s[4] / 2, -10, 10.0),
    )
    oesophagus = tube(flat, tuple((x, 1.3 * y, z, 1.08 * r) for x, y, z, r in course))
    aorta = tube(
        points,
        (
            (-2, 24, c - 30, 14.5 * k),
            (15 + s[5] / 2, 30, c - 8, 15.0 * k),
            (12 + s[5] / 2, 26, a - 17, 14.5 * k),
            (-3, 18, a - 12 * k, 13.5 * k),
            (-22, -2, a - 12 * k, 12.5 * k),
            (-30, -24, a - 13 * k, 12.0 * k),
            (-28 + s[6] / 2, -46, a - 22, 12.0 * k),
            (-24 + s[6], -53, c - 20, 11.5 * k),
            (-21 + s[7], -53, 45, 11.5 * k),
            (-13 + s[7] / 2, -47, -15, 11.0 * k),
        ),
    )
    heart, chambers = (everywhere(distance) for distance in _heart(points, chest))
    pulmonary = reduce(
        np.minimum,
        (
            tube(points, ((-14, 42, c - 28, 13.0), (-22, 22, c - 6, 12.5))),
            tube(points, ((-20, 16, c - 6, 10.5), (20, 2, c - 12, 9.5), (48, -14, c - 18, 6.0))),
            tube(points, ((-22, 20, c - 5, 11.0), (-42, -20, c - 4, 8.5), (-52, -38, c - 30, 5.0))),
        ),
    )
    veins = reduce(
        np.minimum,
        (
            tube(points, ((26, 14, a + 10, 8.0), (30, 10, c - 35, 9.0))),
            tube(points, ((-38, 22, a + 28, 6.0), (-6, 24, a + 16, 6.5), (24, 16, a + 8, 7.0))),
            tube(points, ((30, 6, a + 40, 6.0), (26, 14, a + 10, 7.5))),
            tube(points, ((24, 2, 35, 11.0), (26, -4, -15, 12.0))),
            tube(points, ((8, -50, -15, 3.2), (7, -48, c, 3.8), (18, -28, c + 8, 4.5), (28, 8, c + 4, 4.5))),
        ),
    )
    branches = reduce(
        np.minimum,
        (
            tube(points, ((2, 16, a - 8, 7.0), (16, 2, a + 45, 6.0))),
            tube(points, ((-15, 4, a - 8, 4.5), (-15, -4, a + 45, 4.2))),
            tube(points, ((-29, -20, a - 8, 5.5), (-31, -22, a + 45, 5.0))),
        ),
    )
    return Organs(
        trachea=everywhere(trachea),
        bronchi=everywhere(bronchi),
        oesophagus=everywhere(oesophagus),
        aorta=everywhere(aorta),
        heart=heart,
        chambers=chambers,
        pulmonary=everywhere(pulmonary),
        veins=everywhere(veins),
        branches=everywhere(branches),
    )


def _heart(points: Points, chest: Chest) -> tuple[Array, Array]:
    """Outer surface of the heart, and its four chambers, around a point below the fork of the trachea."""
    k, base = chest.heart, chest.carina - 54
    parts = (
        ((-46, 10, base - 4), (27, 31, 33), 10.0),  # left ventricle: thick wall
        ((-12, 38, base - 2), (36, 19, 32), 3.5),  # right ventricle
        ((-6, -14, base + 16), (29, 15, 19), 3.0),  # left atrium
        ((27, 14, base + 4), (19, 23, 29), 3.0),  # right atrium
    )
    walls, cavities = [], []
    for (x, y, z), radii, wall in parts:
        centre = (-10 + (x + 10) * k, 20 + (y - 10) * k, base + (z - base) * k)
        distance = ellipsoid(points, centre, (radii[0] * k, radii[1] * k, radii[2] * k))
        walls.append(distance)
        cavities.append(distance + np.float32(wall))
    septum = ellipsoid(points, (-12, 26, base), (34 * k, 27 * k, 31 * k))
    return reduce(lambda one, two: blend(one, two, 16.0), walls, septum), reduce(np.minimum, cavities)


@dataclass(frozen=True)
class Frame:
    """Signed distances of what surrounds the organs."""

    cage: Array
    """Inside of the ribs."""
    body: Array
    flesh: Array
    """Everything under the fat of the skin."""
    lungs: Array
    diaphragm: tuple[Array, Array]
    """Right and left half of what lies below it."""
    ribs: Array
    spine: Array
    """Vertebral bodies, arches and processes, the canal left out."""
    discs: Array
    canal: Array
    sternum: Array
    scapulae: Array
    breasts: Array


def draw_frame(points: Points, chest: Chest, organs: Organs) -> Frame:
    """Body, lungs and bones of one chest."""
    x, y, z = points
    side = np.abs(x)
    narrowing: Array = np.clip((z - np.float32(60)) / np.float32(130), 0, 1) ** 2
    cage = _oval(
        x,
        y + np.float32(84 - chest.depth),
        chest.width * (1 - np.float32(0.42) * narrowing),
        chest.depth * (1 - np.float32(0.3) * narrowing),
    )
    wall = chest.muscle + 9
    shoulders = np.float32(16) * np.clip((z - np.float32(90)) / np.float32(70), 0, 1)
    skeleton = _oval(x, y + np.float32(86 - chest.depth), chest.width + wall + shoulders, chest.depth + wall - 4)
    bulge = side * np.float32(1 / 130)
    body = skeleton - np.float32(chest.fat) * (np.float32(0.8) + np.float32(0.35) * bulge * bulge)
    breasts = np.full_like(cage, 50.0)
    if chest.breast:
        size = chest.breast
        front = 2 * chest.depth - 84 + wall + chest.fat * 0.8 - 22
        breasts = ellipsoid((side, y, z), (74, front, 66), (52 * size, 42 * size, 50 * size))
        body = blend(body, breasts, 14.0)

    spine, discs, canal = _spine(points)
    hull = reduce(
        lambda one, two: blend(one, two, 16.0),
        (
            organs.heart - 6,
            np.minimum(organs.aorta, organs.branches) - 5,
            organs.pulmonary - 2,
            np.minimum(organs.trachea, organs.oesophagus) - 6,
            organs.veins - 3,
            spine - 3,
            ellipsoid(points, (-4, 8, 190), (33, 52, 105)),  # fat and the rest of the thymus around the great vessels
            ellipsoid(points, (-8, 2 * chest.depth - 104, 40), (40, 20, 70)),  # fat between heart and breastbone
            ellipsoid(points, (-8, -34, 30), (20, 24, 90)),
        ),
    )
    junction = np.maximum(np.abs(x + 4) - 4, 10 - y)  # where the two lungs meet behind the breastbone
    hull = np.minimum(hull, junction)
    right = np.maximum(ellipsoid(points, (58, 4, chest.dome[0] - 62), (82, 84, 62)), -x)
    left = np.maximum(ellipsoid(points, (-62, 4, chest.dome[1] - 56), (74, 80, 56)), x)
    lungs = np.maximum(np.maximum(cage + 2, -hull), -np.minimum(right, left))
    return Frame(
        cage=cage,
        body=body,
        flesh=skeleton,
        lungs=lungs,
        diaphragm=(right, left),
        ribs=_ribs(points, chest, cage),
        spine=np.maximum(spine, -canal),
        discs=discs,
        canal=canal,
        sternum=_sternum(points, cage),
        scapulae=np.maximum(_scapulae(side, y, z), skeleton + 3),
        breasts=breasts,
    )


def _oval(x: Array, y: Array, width: Array | float, depth: Array | float) -> Array:
    """Signed distance, to first order, to a slightly squared ellipse (exponent 2.5) in the plane."""
    u, v = np.abs(x) / width, np.abs(y) / depth
    radius = (u * u * np.sqrt(u) + v * v * np.sqrt(v)) ** np.float32(0.4)
    ray = np.sqrt(x * x + y * y) / np.maximum(radius, np.float32(1e-3))
    distance: Array = ((radius - 1) * ray).astype(np.float32)
    return distance


def _spine(points: Points) -> tuple[Array, Array, Array]:
    """Bone of the spine with its canal, the discs, and the canal."""
    x, y, z = points
    side = np.abs(x)
    level = np.mod(z, np.float32(25)) - np.float32(12.5)
    column = (np.sqrt((x / 18) ** 2 + ((y + 62) / 15) ** 2) - 1) * np.float32(15)
    canal = np.sqrt(x * x + (y + 84) ** 2) - np.float32(7.5)
    arch = np.where(np.abs(level) < 8, canal - np.float32(4.5), np.float32(20))
    spinous = tapered_tube((x, y, level), (0, -92, 2), (0, -110, -5), (4.0, 3.0))
    transverse = tapered_tube((side, y, level), (8, -80, 1), (33, -90, 4), (5.5, 4.0))
    discs = np.maximum(column, np.float32(9.5) - np.abs(level))
    return reduce(np.minimum, (column, arch, spinous, transverse)), discs, canal


def _ribs(points: Points, chest: Chest, cage: Array) -> Array:
    """Ribs run round the cage and fall towards the front; a slice cuts each one into a short piece."""
    x, y, z = points
    slope = np.float32(0.55) * (y + 80) + np.where(x > 0, np.float32(0), np.float32(6))
    around = np.mod(z + slope + np.float32(chest.rib_phase), np.float32(26)) - np.float32(13)
    across = np.abs(cage - np.float32(4.5)) - np.float32(3.8)
    bar = np.maximum(np.abs(around) - np.float32(5.5), across)
    ribs: Array = np.maximum(np.maximum(bar, y - np.float32(0.9 * chest.depth)), 14 - np.abs(x))
    return ribs


def _sternum(points: Points, cage: Array) -> Array:
    """A flat bone in the front wall."""
    x, y, z = points
    plate = np.maximum(np.abs(x) - np.float32(16), np.abs(cage - np.float32(6)) - np.float32(5))
    sternum: Array = np.maximum(np.maximum(plate, -y), np.abs(z - 100) - np.float32(62))
    return sternum


def _scapulae(side: Array, y: Array, z: Array) -> Array:
    """Thin plates behind the upper ribs."""
    flat = np.zeros_like(side)
    blade = tapered_tube((side, y, flat), (70, -98, 0), (122, -52, 0), (3.2, 5.0))
    spine = tapered_tube((side, y, flat), (104, -74, 0), (120, -92, 0), (3.0, 4.0))
    return np.maximum(np.minimum(blade, np.maximum(spine, 135 - z)), 92 - z)


def tube(points: Points, path: Path) -> Array:
    """Signed distance to a tube along a path; the pieces meet without a crease."""
    pieces = [tapered_tube(points, start[:3], end[:3], (start[3], end[3])) for start, end in pairwise(path)]
    return reduce(lambda one, two: blend(one, two, 3.0), pieces)
