"""What looks like tumour and is none: white-matter hyperintensities of age, vessels, and the enhancing choroid plexus."""

from __future__ import annotations

import numpy as np

from segmint.data.phantoms.cortex import Cortex
from segmint.data.phantoms.deep import Deep
from segmint.data.phantoms.fields import random_field
from segmint.data.phantoms.grid import Array, Grid
from segmint.data.phantoms.head import Head
from segmint.data.phantoms.shapes import Points, coverage, smooth_step


def hyperintensities(rng: np.random.Generator, grid: Grid, head: Head, *, cortex: Cortex, deep: Deep) -> Array:
    """Strength in [0, 1] of white-matter hyperintensities: caps on the ventricles, and spots in the deep white matter."""
    load = head.age * rng.uniform(0.3, 1.2)
    depth = smooth_step(cortex.pial, 4.0, 8.0) * (1 - coverage(deep.nuclei - 1, 3.0))
    cap_reach = np.float32(1.2) + np.float32(3.2 * load) * np.exp(np.float32(0.6) * random_field(rng, grid, 9.0))
    caps = np.float32(0.25 + 0.4 * load) * (1 - smooth_step(deep.lateral / cap_reach, 0.2, 1.6))
    spots = smooth_step(random_field(rng, grid, 5.0) + np.float32(0.7 * load), 2.45, 3.1)
    strength: Array = np.clip(np.maximum(caps, spots * np.float32(0.85)) * depth, 0, 1)
    return strength


def vessels(rng: np.random.Generator, grid: Grid, *, points: Points, cortex: Cortex) -> Array:
    """Share in [0, 1] of vessels: the sagittal sinus, arteries in the large fissures, veins that run in the sulci."""
    x, y, z = points
    sinus = np.maximum(np.abs(x) - np.float32(3.2), np.abs(cortex.hull) - np.float32(2.0))
    sinus = np.maximum(sinus, np.maximum(np.float32(-4) - z, y - np.float32(10) - z))
    great_vein = np.sqrt(x * x + (y + 36) ** 2 * np.float32(0.3) + (z - 3) ** 2 * np.float32(0.3)) - np.float32(1.8)
    near_zero = np.abs(random_field(rng, grid, 5.5)) * np.float32(5.0)
    in_sylvian = np.maximum(cortex.sylvian - np.float32(1.5), near_zero - np.float32(1.0))
    in_fissure = np.maximum(np.maximum(cortex.fissure - np.float32(1.1), near_zero - np.float32(0.8)), -y - 5)
    in_sulci = np.maximum(np.maximum(cortex.pial + np.float32(0.2), near_zero - np.float32(0.8)), cortex.hull - 7)
    tubes = np.minimum(np.minimum(in_sylvian, in_fissure), np.minimum(in_sulci, np.minimum(sinus, great_vein)))
    return coverage(tubes, 1.2)
