"""Balls around images in a space of features, each reaching to the k-th nearest: what shares of two sets lie in one another's.

The ground that precision and recall, density and coverage, and their clipped forms stand on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Neighbours of [Naeem 2020, section 4].
NEIGHBOURS = 5


@dataclass(frozen=True)
class Neighbourhoods:
    """Distances between n real and m fake images, and how far the neighbourhood of each image reaches.

    Attributes:
        between: [n, m] distance of every real from every fake image.
        among_real: [n, n] distances among the real ones; infinite within a subject, so with itself.
        real_radii: [n] distance of each real image from its k-th nearest of other subjects; fake_radii: [m] among the fakes.
        neighbours: k.
    """

    between: NDArray[np.float64]
    among_real: NDArray[np.float64]
    real_radii: NDArray[np.float64]
    fake_radii: NDArray[np.float64]
    neighbours: int


def neighbourhoods(
    real: ArrayLike,
    fake: ArrayLike,
    *,
    neighbours: int = NEIGHBOURS,
    real_units: NDArray[np.integer] | None = None,
    fake_units: NDArray[np.integer] | None = None,
) -> Neighbourhoods:
    """Measure features [n, D] of real and [m, D] of fake images.

    Slices of one subject lie close together, and would make neighbourhoods that no other subject reaches into: an image's
    neighbours are those of other subjects.

    Args:
        neighbours: k; real_units, fake_units: the subject of each image; None: each is one.

    Raises:
        ValueError: the shapes do not fit, or an image has fewer than k images of other subjects beside it.
    """
    ours, theirs = (np.asarray(one, dtype=np.float64) for one in (real, fake))
    if ours.ndim != 2 or theirs.ndim != 2 or ours.shape[1] != theirs.shape[1]:
        raise ValueError(f"features [n, D] and [m, D] were expected, not {ours.shape} and {theirs.shape}")
    among_real, among_fake = _among(ours, real_units), _among(theirs, fake_units)
    return Neighbourhoods(
        _distances(ours, theirs),
        among_real,
        _radii(among_real, neighbours),
        _radii(among_fake, neighbours),
        neighbours,
    )


def _distances(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    # About a common origin near both, lest squares of large numbers swallow small differences.
    origin = first.mean(axis=0)
    first, second = first - origin, second - origin
    squares = np.square(first).sum(axis=1)[:, None] + np.square(second).sum(axis=1)[None] - 2 * first @ second.T
    return np.asarray(np.sqrt(np.maximum(squares, 0)))


def _among(features: NDArray[np.float64], units: NDArray[np.integer] | None) -> NDArray[np.float64]:
    units = np.arange(len(features)) if units is None else units
    distances = _distances(features, features)
    distances[units[:, None] == units[None]] = np.inf
    return distances


def _radii(among: NDArray[np.float64], neighbours: int) -> NDArray[np.float64]:
    if not 1 <= neighbours <= int(np.isfinite(among).sum(axis=1).min()):
        raise ValueError(f"{neighbours} neighbours of other subjects are needed of each of {len(among)} images")
    return np.asarray(np.partition(among, neighbours - 1, axis=1)[:, neighbours - 1])
