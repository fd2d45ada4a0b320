"""Clipped Density and Clipped Coverage: density and coverage that no outlier can sway [Salvy, Talbot and Thirion 2025,
arXiv 2507.01761, section 4].

Each image adds at most 1, neighbourhoods of real images reach no further than the median one (Clipped Density), and both are
brought to a scale on which they read as the share of good images.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from segmint.metrics.neighbourhoods import Neighbourhoods

DENSITY, COVERAGE = "clipped_density", "clipped_coverage"
DIRECTION, RANGE = "higher", (0.0, 1.0)


def clipped_density(found: Neighbourhoods) -> float:
    """Mean over fakes of min(neighbourhoods they lie in / k, 1), as a share of the same among the real images; at most 1."""
    radii = np.minimum(found.real_radii, np.median(found.real_radii))[:, None]
    fakes, reals = (
        float(np.minimum((distances <= radii).sum(axis=0) / found.neighbours, 1).mean())
        for distances in (found.between, found.among_real)
    )
    return min(1.0, fakes / reals) if reals > 0 else float("nan")


def clipped_coverage(found: Neighbourhoods) -> float:
    """Mean over real images of min(fakes in their neighbourhood / k, 1), as the share of good fakes that lets expect so much."""
    real, fakes = found.between.shape
    inside = (found.between < found.real_radii[:, None]).sum(axis=1)
    value = float(np.minimum(inside / found.neighbours, 1).mean())
    expected = _expected(found.neighbours, real, fakes)
    return float(np.interp(value, expected, np.arange(fakes + 1) / fakes))


@lru_cache(maxsize=64)
def _expected(neighbours: int, real: int, fakes: int) -> NDArray[np.float64]:
    """[fakes + 1] what is to be expected where 0, 1, .. of the fakes are as the real images are, and the others far away.

    The neighbourhood of one of n images holds a share of their distribution that follows Beta(k, n - k), whatever it is, so the
    fakes in it are beta-binomial.
    """
    good = np.arange(fakes + 1)
    hits = np.arange(neighbours)[:, None]
    missing = (neighbours - hits) * stats.betabinom.pmf(hits, good[None], neighbours, real - neighbours)
    return np.asarray(1 - missing.sum(axis=0) / neighbours)
