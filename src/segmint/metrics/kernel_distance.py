"""Kernel distance between two sets of features: unbiased MMD^2 with a cubic polynomial kernel [Binkowski 2018, section 4]."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

NAME, DIRECTION, RANGE = "kernel_distance", "lower", (float("-inf"), float("inf"))


def kernel_distance(
    first: ArrayLike,
    second: ArrayLike,
    *,
    first_units: NDArray[np.integer] | None = None,
    second_units: NDArray[np.integer] | None = None,
) -> float:
    """MMD^2 between features [n, D] and [m, D] with k(x, y) = (x . y / D + 1)^3; 0 on average where both are of one kind.

    Two images of one subject are alike for that reason alone, so only pairs of different subjects count; where each image is a
    subject of its own, that is the usual estimate, which leaves out each image with itself.

    Args:
        first_units, second_units: the subject of each image; None: each is one.

    Raises:
        ValueError: the shapes do not fit, or a set has images of one subject only.
    """
    ours, theirs = (np.asarray(one, dtype=np.float64) for one in (first, second))
    if ours.ndim != 2 or theirs.ndim != 2 or ours.shape[1] != theirs.shape[1]:
        raise ValueError(f"features [n, D] and [m, D] were expected, not {ours.shape} and {theirs.shape}")
    return _within(ours, first_units) + _within(theirs, second_units) - 2 * float(_kernel(ours, theirs).mean())


def _kernel(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((first @ second.T / first.shape[1] + 1) ** 3)


def _within(features: NDArray[np.float64], units: NDArray[np.integer] | None) -> float:
    """Mean kernel over pairs of different subjects."""
    units = np.arange(len(features)) if units is None else units
    different = units[:, None] != units[None]
    if not different.any():
        raise ValueError("images of at least two subjects are needed on either side")
    return float(_kernel(features, features)[different].mean())
