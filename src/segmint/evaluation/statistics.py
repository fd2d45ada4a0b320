"""Means with intervals over subjects and seeds.

Every seed's segmenter is scored on the same subjects, so subjects and seeds are crossed, not nested: both are
resampled, independently of each other (the pigeonhole bootstrap [Owen 2007, Annals of Applied Statistics 1(2)]). Each
resampled mean is divided by its own standard error, from the mean squares of the two-way layout, so that the interval
knows how uncertain a few subjects leave the error and how skewed they are (the studentised bootstrap [Davison and Hinkley
1997, section 5.2]). Percentiles of the same resamples are too narrow for few or skewed subjects; a t interval alone for
skewed ones.

Resampling a handful of seeds cannot tell how much seeds differ: where they make up most of the error, such an interval is
too narrow. It is therefore widened by the ratio of t quantiles at the degrees of freedom of the error [Satterthwaite 1946,
Biometrics 2(6)] and at those of the subjects. The price: where neither subjects nor seeds differ, as between an arm and itself,
it is too wide. `benchmarks/trial_honesty.py` prints how often intervals miss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

RESAMPLES, CONFIDENCE, SEED = 10_000, 0.95, 0
_BLOCK = 500
POWER = 0.8
# With fewer subjects too many resamples consist of one subject alone, and t quantiles stand in for theirs.
_FEWEST_RESAMPLED = 5
# Smallest variance of a resample, as a share of that of the sample: one that misses all that differs is no measure.
_SMALLEST_VARIANCE = 0.05
# The t quantile of 1 degree of freedom, 12.7, would halve what 2 seeds can find, and win less than half a percent of coverage.
_FEWEST_FREEDOM = 2.0

Limits = tuple[float, float]


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval, its standard error, and the degrees of freedom of that; NaN where there is none."""

    value: float
    low: float
    high: float
    error: float = float("nan")
    freedom: float = float("nan")

    @property
    def interval(self) -> list[float]:
        """[low, high]."""
        return [self.low, self.high]

    @property
    def smallest_seen(self) -> float:
        """The smallest true mean, in size, that 80 percent of such samples would tell from 0 at two-sided 5 percent.

        (t(0.975) + t(0.8)) standard errors [Julious 2004, Statistics in Medicine 23(12), section 3].
        """
        quantiles = stats.t.ppf([(1 + CONFIDENCE) / 2, POWER], self.freedom)
        return float(quantiles.sum() * self.error)


@dataclass(frozen=True)
class _MeanSquares:
    """Of a table [I, J] with mean 0: between rows (0 where there is one row), between columns, and what is left."""

    rows: NDArray[np.float64]
    columns: NDArray[np.float64]
    rest: NDArray[np.float64]

    @property
    def variance(self) -> NDArray[np.float64]:
        """I J times the variance of the mean; not below what rows or columns alone make of it."""
        return np.maximum(self.rows + self.columns - self.rest, np.maximum(self.rows, self.columns))


def bootstrap_mean(
    scores: ArrayLike,
    *,
    units: Sequence[int] | None = None,
    within: Limits | None = None,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = SEED,
) -> Estimate:
    """Mean of scores over seeds and subjects, with a studentised interval from resampling both.

    Args:
        scores: [seeds, subjects]; NaN entries are left out of the mean.
        units: for each seed the unit it belongs to, where seeds are not independent of each other (those that share one
            synthetic set); whole units are then resampled instead of seeds. Default: each seed is a unit.
        within: where the mean can be, such as (0, 1) for Dice; an interval beyond is cut there.
        resamples: bootstrap draws, or 0 for quantiles of Student's t; confidence: of the two-sided interval; seed: of the
            draws, fixed so that the same scores always give the same interval.

    Returns:
        The estimate. With a single unit the interval speaks of subjects alone; with a single subject it is NaN, since
        one subject says nothing about others.
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"scores of shape {table.shape}, not [seeds, subjects]")
    measured = ~np.isnan(table)
    belongs = np.unique(np.arange(len(table)) if units is None else np.asarray(units), return_inverse=True)[1]
    if len(belongs) != len(table):
        raise ValueError(f"{len(belongs)} units for {len(table)} seeds")
    nothing = float("nan")
    if not measured.any():
        return Estimate(nothing, nothing, nothing)
    mean = float(table[measured].mean())
    if measured.any(axis=0).sum() < 2:
        return Estimate(mean, nothing, nothing)
    deviations = _deviations(np.where(measured, table - mean, 0.0), measured, belongs)
    rows, columns = deviations.shape
    one = np.ones((1, rows)), np.ones((1, columns))
    found = _mean_squares(deviations, *one)[1]
    variance, freedom = float(found.variance[0]), _freedom(found, rows, columns)
    error = float(np.sqrt(variance / (rows * columns)))
    # What rounding leaves of scores that do not differ.
    if variance <= 1e-24 * max(1.0, mean**2):
        return Estimate(mean, mean, mean, 0.0, freedom)
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    if columns < _FEWEST_RESAMPLED or not resamples:
        low, high = stats.t.ppf(tails, freedom)
    else:
        quantiles = np.quantile(_studentised(deviations, variance, resamples=resamples, seed=seed), tails)
        # The mean lies in its interval, however skewed the few subjects are.
        low, high = np.array([min(quantiles[0], 0.0), max(quantiles[1], 0.0)]) * _widening(freedom, columns, tails[1])
    ends = np.array([mean - high * error, mean - low * error])
    if within is not None:
        ends = np.clip(ends, *within)
    return Estimate(mean, float(ends[0]), float(ends[1]), error, freedom)


def bootstrap_difference(
    treated: ArrayLike,
    control: ArrayLike,
    *,
    units: Sequence[int] | None = None,
    within: Limits | None = None,
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
    return bootstrap_mean(
        first - second, units=units, within=within, resamples=resamples, confidence=confidence, seed=seed
    )


def _deviations(
    values: NDArray[np.float64], measured: NDArray[np.bool_], belongs: NDArray[np.int64]
) -> NDArray[np.float64]:
    """What each entry [units, subjects] moves the mean by, times their number, so that their mean is the mean of `values`.

    The mean linearised in the weights of units and subjects: the deviations themselves where nothing is missing, and
    sound where much is, when the number of measured entries in a resample may come near 0. What has no entry is left out.
    """
    kept = measured.any(axis=0)
    sums = np.zeros((int(belongs.max()) + 1, int(kept.sum())))
    np.add.at(sums, belongs, values[:, kept])
    present = np.zeros(len(sums), dtype=np.bool_)
    np.logical_or.at(present, belongs, measured.any(axis=1))
    sums = sums[present]
    return np.asarray(sums * sums.size / measured.sum(), dtype=np.float64)


def _studentised(table: NDArray[np.float64], variance: float, *, resamples: int, seed: int) -> NDArray[np.float64]:
    """[resamples] means of resamples of `table` [I, J], whose mean is 0, each in its own standard errors."""
    rows, columns = table.shape
    seeds, subjects = _drawn(rows, resamples, seed, "seeds"), _drawn(columns, resamples, seed, "subjects")
    parts = []
    # In blocks, which the cache of a processor holds.
    for start in range(0, resamples, _BLOCK):
        block = slice(start, start + _BLOCK)
        means, squares = _mean_squares(table, seeds[block].astype(np.float64), subjects[block].astype(np.float64))
        errors = np.sqrt(np.maximum(squares.variance, _SMALLEST_VARIANCE * variance) / table.size)
        parts.append(means / errors)
    return np.concatenate(parts)


def _mean_squares(
    table: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> tuple[NDArray[np.float64], _MeanSquares]:
    """Means [R] and mean squares of `table` [I, J] whose rows and columns count as often as `rows` [R, I], `columns` [R, J] say."""
    n_rows, n_columns = table.shape
    by_column = rows @ table / n_rows
    means = (by_column * columns).sum(axis=1) / n_columns
    between_columns = n_rows * (columns * (by_column - means[:, None]) ** 2).sum(axis=1)
    if n_rows == 1:
        nothing = np.zeros_like(means)
        return means, _MeanSquares(nothing, between_columns / (n_columns - 1), nothing)
    by_row = columns @ table.T / n_columns
    between_rows = n_columns * (rows * (by_row - means[:, None]) ** 2).sum(axis=1)
    total = ((rows @ table**2) * columns).sum(axis=1) - table.size * means**2
    rest = np.maximum(total - between_rows - between_columns, 0.0)
    return means, _MeanSquares(
        between_rows / (n_rows - 1), between_columns / (n_columns - 1), rest / ((n_rows - 1) * (n_columns - 1))
    )


def _freedom(found: _MeanSquares, rows: int, columns: int) -> float:
    """Degrees of freedom of the variance of the mean, at least 2 where there are seeds."""
    if rows == 1:
        return float(columns - 1)
    parts = (found.rows, rows - 1), (found.columns, columns - 1), (found.rest, (rows - 1) * (columns - 1))
    spread = float(sum(square[0] ** 2 / freedom for square, freedom in parts))
    return max(_FEWEST_FREEDOM, float(found.variance[0]) ** 2 / spread) if spread > 0 else float(columns - 1)


def _widening(freedom: float, columns: int, tail: float) -> float:
    """What seeds add to quantiles that rest on the subjects; never below 1."""
    ratio = stats.t.ppf(tail, freedom) / stats.t.ppf(tail, columns - 1)
    return max(1.0, float(ratio))


@lru_cache(maxsize=8)
def _drawn(n: int, resamples: int, seed: int, what: str) -> NDArray[np.uint16]:
    """How often each of `n` units is drawn [resamples, n]; the same for every table of a trial."""
    generator = np.random.default_rng([seed, len(what)])
    # Kept small, as many tables of a trial may differ in the subjects that are scored; no unit is drawn 65536 times.
    counts = np.empty((resamples, n), dtype=np.uint16)
    for start in range(0, resamples, _BLOCK):
        part = counts[start : start + _BLOCK]
        part[:] = generator.multinomial(n, np.full(n, 1 / n), size=len(part))
    counts.flags.writeable = False
    return counts
