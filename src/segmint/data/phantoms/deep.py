"""The middle of the brain: lateral and third ventricles, cisterns, choroid plexus, and the deep grey nuclei."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from segmint.data.phantoms.grid import Array
from segmint.data.phantoms.shapes import Points, Vector, blend, ellipsoid, tapered_tube

_VENTRICLE: tuple[tuple[Vector, Vector, tuple[float, float]], ...] = (
    ((14.0, 38.0, 2.0), (7.5, 20.0, 10.0), (1.5, 3.6)),  # frontal horn
    ((7.5, 20.0, 10.0), (8.5, 2.0, 20.0), (3.6, 3.6)),
    ((8.5, 2.0, 20.0), (14.0, -18.0, 20.0), (3.6, 4.2)),  # body
    ((14.0, -18.0, 20.0), (24.0, -36.0, 9.0), (4.2, 5.6)),  # atrium
    ((24.0, -36.0, 9.0), (25.0, -60.0, 4.0), (5.6, 1.0)),  # occipital horn
    ((24.0, -36.0, 9.0), (32.0, -18.0, -11.0), (5.0, 1.8)),  # temporal horn
    ((32.0, -18.0, -11.0), (29.0, -2.0, -17.0), (1.8, 1.6)),
)
"""Right lateral ventricle: start and end of each part and the radii there, mm."""


@dataclass(frozen=True)
class Deep:
    """Signed distances in mm, negative inside."""

    ventricles: Array
    """Lateral and third ventricles."""
    lateral: Array
    """Lateral ventricles alone."""
    cisterns: Array
    choroid: Array
    grey: Array
    """Caudate, putamen, thalamus, hippocampus."""
    pallidum: Array
    brainstem: Array

    @property
    def nuclei(self) -> Array:
        """All deep grey matter."""
        return np.minimum(self.grey, self.pallidum)

    @property
    def basins(self) -> Array:
        """Ventricles and cisterns."""
        return np.minimum(self.ventricles, self.cisterns)


def deep_structures(points: Points, ventricle_width: float) -> Deep:
    """Signed distances to the deep structures at `points` (right, front, up; mm), mirrored about the midline."""
    near = (np.abs(points[0]) < 46) & (np.abs(points[1] + 10) < 58)
    side, y, z = mirrored = (np.abs(points[0][near]), points[1][near], points[2][near])

    def everywhere(distance: Array) -> Array:
        # far from the deep structures nothing asks how far
        whole = np.full(near.shape, 50.0, dtype=np.float32)
        whole[near] = distance
        return whole

    lateral = _lateral_ventricles(mirrored, ventricle_width)
    third = ellipsoid(mirrored, (0.0, -5.0, -1.0), (0.6 + 1.6 * ventricle_width, 13.0, 11.0))
    caudate = np.minimum(
        ellipsoid(mirrored, (13.5, 17.0, 7.0), (5.5, 9.5, 9.0)),
        tapered_tube(mirrored, (14.5, 12.0, 16.0), (19.5, -18.0, 20.0), (3.6, 1.6)),
    )
    # the lens nucleus leans outwards towards the back
    lens = (side + np.float32(0.22) * y, y, z)
    putamen = ellipsoid(lens, (26.5, 3.0, 3.0), (4.6, 15.0, 10.0))
    pallidum = ellipsoid(lens, (19.5, -1.0, 0.0), (4.4, 9.0, 6.5))
    turned = (side + np.float32(0.45) * (y + 14), y, z)
    thalamus = ellipsoid(turned, (10.5, -14.0, 7.0), (8.5, 13.5, 9.0))
    hippocampus = tapered_tube(mirrored, (27.0, -4.0, -16.0), (26.0, -28.0, -8.0), (5.0, 3.2))
    grey = np.minimum(np.minimum(caudate, putamen), np.minimum(thalamus, hippocampus))
    choroid = ellipsoid(mirrored, (22.5, -35.0, 9.0), (3.2, 5.5, 5.0))
    brainstem = ellipsoid(mirrored, (0.0, -19.0, -20.0), (16.0, 14.0, 18.0))
    return Deep(
        ventricles=everywhere(np.minimum(lateral, third)),
        lateral=everywhere(lateral),
        cisterns=everywhere(_cisterns(mirrored, brainstem)),
        choroid=everywhere(choroid),
        grey=everywhere(grey),
        pallidum=everywhere(pallidum),
        brainstem=everywhere(brainstem),
    )


def _lateral_ventricles(mirrored: Points, width: float) -> Array:
    """The tubes of `_VENTRICLE`, blended and widened."""
    lateral = reduce(lambda one, two: blend(one, two, 3.0), (tapered_tube(mirrored, *part) for part in _VENTRICLE))
    lateral = lateral - np.float32(2.6 * (width - 1))
    parted: Array = np.maximum(lateral, np.float32(0.9) - mirrored[0])  # by the septum
    return parted


def _cisterns(mirrored: Points, brainstem: Array) -> Array:
    """Fluid around the midbrain, above the chiasm and behind the splenium."""
    _, y, z = mirrored
    ambient = np.maximum(np.abs(brainstem - np.float32(1.2)) - np.float32(1.3), z + 5)
    ambient = np.maximum(ambient, y + 12)
    # a star: towards the fissures in front and at the sides, and between the peduncles behind
    suprasellar = blend(
        ellipsoid(mirrored, (0.0, 3.0, -20.0), (6.0, 7.0, 9.0)),
        blend(
            tapered_tube(mirrored, (2.0, 5.0, -19.0), (20.0, 10.0, -18.0), (4.5, 1.5)),
            tapered_tube(mirrored, (0.0, 3.0, -19.0), (0.0, -7.0, -17.0), (4.0, 2.5)),
            4.0,
        ),
        4.0,
    )
    quadrigeminal = ellipsoid(mirrored, (0.0, -37.0, -3.0), (9.0, 4.0, 7.0))
    cisterns: Array = np.minimum(np.minimum(ambient, suprasellar), quadrigeminal)
    return cisterns
