"""A share among some units less the share that is usual, with a bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

NAME, DIRECTION, RANGE = "excess_copy_rate", "lower", (-1.0, 1.0)
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Share:
    """`hits` of `total`, which say as much as `effective` independent ones; exact one-sided 95% bounds.

    [Clopper and Pearson 1934, Biometrika 26; effective sizes for clusters: Korn and Graubard 1998, Survey Methodology 24]
    """

    hits: int
    total: int
    effective: float

    @property
    def value(self) -> float:
        """The share, 0 to 1."""
        return self.hits / self.total

    @property
    def low(self) -> float:
        """Lower bound."""
        hits = self.value * self.effective
        return float(stats.beta.ppf(1 - CONFIDENCE, hits, self.effective - hits + 1)) if hits > 0 else 0.0

    @property
    def high(self) -> float:
        """Upper bound."""
        hits = self.value * self.effective
        return float(stats.beta.ppf(CONFIDENCE, hits + 1, self.effective - hits)) if hits < self.effective else 1.0


@dataclass(frozen=True)
class Excess:
    """The difference of two shares, with one-sided 95% bounds."""

    value: float
    low: float
    high: float


def excess_share(found: Share, usual: Share) -> Excess:
    """`found` less `usual`, bounds recovered from those of the two [Zou and Donner 2008, Statistics in Medicine 27(10)]."""
    difference = found.value - usual.value
    low = difference - math.hypot(found.value - found.low, usual.high - usual.value)
    high = difference + math.hypot(found.high - found.value, usual.value - usual.low)
    return Excess(difference, max(low, -1.0), min(high, 1.0))


def effective_size(hits: NDArray[np.bool_], units: NDArray[np.int64]) -> float:
    """How many independent numbers n clustered ones say as much as: n over the design effect of their share.

    Args:
        hits: [n]; units: [n] the cluster of each, 0, 1, and so on, none left out.

    Returns:
        At least the number of clusters and at most n. Where all or none are hits nothing can be told, and it is the number
        of clusters.
    """
    total, clusters = len(hits), int(units.max()) + 1
    share = float(hits.mean())
    if clusters < 2 or share in (0.0, 1.0):
        return float(clusters)
    residuals = np.bincount(units, weights=hits - share)
    variance = clusters / (clusters - 1) * float(np.square(residuals).sum()) / total**2
    return float(np.clip(share * (1 - share) / max(variance, 1e-12), clusters, total))


def least_effective_size(units: NDArray[np.int64]) -> float:
    """How many independent numbers n clustered ones say as much as where all of a cluster are hits, or none is.

    That is the least they can say: hits of a rare kind may come together even where frequent ones do not, and where none is seen
    the data cannot tell [Kish 1965, Survey Sampling].

    Args:
        units: [n] the cluster of each.

    Returns:
        n squared over the sum of squared sizes: the number of clusters where they are equally large, else fewer.
    """
    sizes = np.unique(units, return_counts=True)[1].astype(np.float64)
    return float(sizes.sum() ** 2 / np.square(sizes).sum())


def bound_with_recall(high: float, recall: Share) -> float:
    """An upper bound of the share there is, from one of the share that was recognised and from how much of it is, as measured.

    Both bounds are 95% ones, so that together they hold with 90% confidence at least.
    """
    return 1.0 if recall.low <= 0 else float(np.clip(high / recall.low, 0.0, 1.0))
