"""Means with intervals over subjects and seeds.

Every seed's segmenter is scored on the same subjects, so subjects and seeds are crossed, not nested: both are
resampled, independently of each other (the pigeonhole bootstrap [Owen 2007, Annals of Applied Statistics 1(2)]). A
bootstrap of n units understates their variance by (n - 1) / n, which matters for a handful of seeds; weights are
therefore stretched about their mean by sqrt(n / (n - 1)) [Rao and Wu 1988, JASA 83].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES, CONFIDENCE, SEED = 10_000, 0.95, 0


@dataclass(frozen=True)
class Estimate:
    """A mean with its bootstrap interval; NaN where there is none."""

    value: float
    low: float
    high: float

    @property
    def interval(self) -> list[float]:
        """[low, high]."""
        return [self.low, self.high]


def bootstrap_mean(
    scores: ArrayLike,
    *,
    units: Sequence[int] | None = None,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = SEED,
) -> Estimate:
    """Mean of scores over seeds and subjects, with a percentile interval from resampling both.

    Args:
        scores: [seeds, subjects]; NaN entries are left out of the mean.
        units: for each seed the unit it belongs to, where seeds are not independent of each other (those that share one
            synthetic set); whole units are then resampled instead of seeds. Default: each seed is a unit.
        resamples: bootstrap draws; confidence: of the two-sided interval; seed: of the draws, fixed so that the same
            scores always give the same interval.

    Returns:
        The estimate. With a single unit the interval speaks of subjects alone; with a single subject it is NaN, since
        one subject says nothing about others.
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"scores of shape {table.shape}, not [seeds, subjects]")
    measured = ~np.isnan(table)
    if not measured.any():
        return Estimate(float("nan"), float("nan"), float("nan"))
    values = np.where(measured, table, 0.0)
    belongs = np.unique(np.arange(len(table)) if units is None else np.asarray(units), return_inverse=True)[1]
    if len(belongs) != len(table):
        raise ValueError(f"{len(belongs)} units for {len(table)} seeds")
    mean = float(values.sum() / measured.sum())
    if measured.any(axis=0).sum() < 2:
        return Estimate(mean, float("nan"), float("nan"))
    generator = np.random.default_rng(seed)
    rows = _weights(int(belongs.max()) + 1, resamples, generator)[:, belongs]
    columns = _weights(table.shape[1], resamples, generator)
    # The weighted mean, linearised in the weights: the same where nothing is missing, and sound where much is, when the
    # number of measured entries in a draw may come near 0.
    influence = np.where(measured, table - mean, 0.0) / measured.sum()
    means = mean + ((rows @ influence) * columns).sum(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(mean, float(low), float(high))


def bootstrap_difference(
    treated: ArrayLike,
    control: ArrayLike,
    *,
    units: Sequence[int] | None = None,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = SEED,
) -> Estimate:
    """Mean of `treated` minus `control`, paired by seed and subject; pairs in which either is NaN are left out.

    Args:
        treated: [seeds, subjects]; control: the same shape; the rest as in `bootstrap_mean`.
    """
    first, second = np.asarray(treated, dtype=np.float64), np.asarray(control, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"scores of shapes {first.shape} and {second.shape} cannot be paired")
    return bootstrap_mean(first - second, units=units, resamples=resamples, confidence=confidence, seed=seed)


def _weights(n: int, resamples: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Weights [resamples, n] with mean 1 in each draw: how often each of `n` units was drawn, stretched about 1."""
    if n == 1:
        return np.ones((resamples, 1))
    drawn = generator.multinomial(n, np.full(n, 1 / n), size=resamples)
    return np.asarray(1 + np.sqrt(n / (n - 1)) * (drawn - 1.0), dtype=np.float64)
