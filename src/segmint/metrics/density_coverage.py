"""Density and coverage: fakes counted by the neighbourhoods of real images alone [Naeem 2020, section 3]."""

from __future__ import annotations

from segmint.metrics.neighbourhoods import Neighbourhoods

DENSITY, COVERAGE = "density", "coverage"
DIRECTION = "higher"
DENSITY_RANGE, COVERAGE_RANGE = (0.0, float("inf")), (0.0, 1.0)


def density(found: Neighbourhoods) -> float:
    """In how many real neighbourhoods a fake lies on average, in units of k; about 1 for real images, more for crowded fakes."""
    inside = found.between < found.real_radii[:, None]
    return float(inside.sum(axis=0).mean() / found.neighbours)


def coverage(found: Neighbourhoods) -> float:
    """Share of real images with a fake in their neighbourhood."""
    return float((found.between.min(axis=1) < found.real_radii).mean())
