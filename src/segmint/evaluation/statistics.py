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
it is too wide.

Seeds whose synthetic sets are of one generator are no more than one draw of generators, of which there may be two or three, and
generators may differ by more than subjects do. Where they make up the error, degrees of freedom that were estimated from so few
are too many too often. The variance is therefore taken apart: between generators, and of subjects with what is left; each has a
margin with quantiles of its own (Student's t at the number of generators less one; the studentised bootstrap of subjects), and
these are added in quadrature [Howe 1974, JASA 69(347)]. `benchmarks/trial_honesty.py` prints how often intervals miss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from segmint.evaluation.two_way import MeanSquares, mean_squares, studentised

RESAMPLES, CONFIDENCE, SEED = 10_000, 0.95, 0
POWER = 0.8
# With fewer subjects too many resamples consist of one subject alone, and t quantiles stand in for theirs.
_FEWEST_RESAMPLED = 5
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
        units: for each seed the unit it belongs to, where seeds are not independent of each other (those whose
            synthetic sets are of one generator); the interval is then over units and subjects. Default: seeds are independent.
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
    found = mean_squares(deviations, *one)[1]
    between = float(max(found.rows[0] - found.rest[0], 0.0)) if units is not None and rows > 1 else None
    variance = float(found.variance[0]) if between is None else float(found.columns[0]) + between
    freedom = _freedom(found, rows, columns) if between is None else _freedom_over_units(found, between, rows, columns)
    error = float(np.sqrt(variance / (rows * columns)))
    # What rounding leaves of scores that do not differ.
    if variance <= 1e-24 * max(1.0, mean**2):
        return Estimate(mean, mean, mean, 0.0, freedom)
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    drawn = resamples if columns >= _FEWEST_RESAMPLED else 0
    if between is not None:
        low, high = _over_units(deviations, float(found.columns[0]), between, tails, resamples=drawn, seed=seed)
    elif not drawn:
        low, high = stats.t.ppf(tails, freedom)
    else:
        low, high = _resampled(deviations, variance, tails, resamples=drawn, seed=seed)
        low, high = np.array([low, high]) * _widening(freedom, columns, tails[1])
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


def _resampled(
    deviations: NDArray[np.float64], variance: float, tails: NDArray[np.float64], *, resamples: int, seed: int
) -> Limits:
    """Quantiles of the studentised mean; it lies in its interval, however skewed the few subjects are."""
    low, high = np.quantile(studentised(deviations, variance, resamples=resamples, seed=seed), tails)
    return min(float(low), 0.0), max(float(high), 0.0)


def _over_units(
    deviations: NDArray[np.float64],
    of_subjects: float,
    between: float,
    tails: NDArray[np.float64],
    *,
    resamples: int,
    seed: int,
) -> Limits:
    """The same where rows are units: margins of subjects and of units, each with quantiles of its own, in quadrature.

    Args:
        of_subjects: I J times the variance of the mean that lies in subjects, and in what is left; between: in units.
    """
    rows, columns = deviations.shape
    if resamples and of_subjects > 1e-12 * between:
        # Of the subjects' means over units, which leave units as they are.
        low, high = _resampled(deviations.mean(axis=0)[None], of_subjects / rows, tails, resamples=resamples, seed=seed)
    else:
        low, high = stats.t.ppf(tails, columns - 1)
    of_units = stats.t.ppf(tails[1], rows - 1) ** 2 * between
    low, high = np.sqrt(np.array([low, high]) ** 2 * of_subjects + of_units) / np.sqrt(of_subjects + between)
    return -float(low), float(high)


def _freedom_over_units(found: MeanSquares, between: float, rows: int, columns: int) -> float:
    """Degrees of freedom at which Student's t gives the margin that `_over_units` gives symmetric subjects."""
    of_subjects, tail = float(found.columns[0]), (1 + CONFIDENCE) / 2
    variance = of_subjects + between
    if variance == 0:
        return float(columns - 1)
    least, most = sorted((rows - 1, columns - 1))
    parts = stats.t.ppf(tail, columns - 1) ** 2 * of_subjects + stats.t.ppf(tail, rows - 1) ** 2 * between
    margin = float(np.sqrt(parts / variance))
    if margin <= stats.t.ppf(tail, most):
        return float(most)
    if margin >= stats.t.ppf(tail, least):
        return float(least)
    return float(optimize.brentq(lambda freedom: stats.t.ppf(tail, freedom) - margin, least, most))


def _freedom(found: MeanSquares, rows: int, columns: int) -> float:
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
