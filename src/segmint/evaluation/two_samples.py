"""Whether one set of numbers could be more of another, where several numbers may come from one subject.

Slices of one subject resemble one another, so subjects are the units of all tests.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

_REPEATS = 15
# Above this product of the sample sizes the exact distribution takes long and the asymptotic one is as good.
_EXACT = 10_000


def distribution_test(
    first: NDArray[np.float64],
    first_units: NDArray[np.int64],
    second: NDArray[np.float64],
    second_units: NDArray[np.int64],
    *,
    seed: int,
) -> tuple[float, float]:
    """Two-sample Kolmogorov-Smirnov test.

    Args:
        first, second: [n] and [m] numbers; first_units, second_units: the subject of each.
        seed: of the choice of one number a subject.

    Returns:
        The distance of the two distributions, 0 to 1, over all numbers; and the p-value from one number a subject,
        chosen at random many times over (multiple outputation [Hoffman, Sen and Weinberg 2001, Biometrika 88(4)]),
        combined as twice the median [Rueger 1978, Metrika 25].
    """
    distance, _ = _kolmogorov_smirnov(first, second)
    generator = np.random.default_rng(seed)
    return distance, _by_outputation(
        lambda ours, theirs: _kolmogorov_smirnov(ours, theirs)[1], first, first_units, second, second_units, generator
    )


def share_test(
    first: NDArray[np.bool_],
    first_units: NDArray[np.int64],
    second: NDArray[np.bool_],
    second_units: NDArray[np.int64],
    *,
    seed: int,
) -> float:
    """p-value that two shares are one: Fisher's exact test on one entry a subject, combined as in `distribution_test`."""

    def fisher(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
        table = [[int(one.sum()), len(one) - int(one.sum())] for one in (ours, theirs)]
        return float(stats.fisher_exact(table).pvalue)

    generator = np.random.default_rng(seed)
    ours, theirs = first.astype(np.float64), second.astype(np.float64)
    return _by_outputation(fisher, ours, first_units, theirs, second_units, generator)


def range_test(inside: float, *, units: int, real_units: int) -> float:
    """p-value of a share of new subjects inside the 1st to 99th percentile of others, if all were of one kind.

    The share of a distribution that lies between two order statistics of n draws has a beta distribution whatever the
    distribution is [Wilks 1941, Annals of Mathematical Statistics 12(1)], so the count of new draws inside is
    beta-binomial. Few real subjects make a range that says little, and the p-value large.

    Args:
        inside: the share, 0 to 1; units: how many new subjects; real_units: how many the range was taken from, 2 or more.
    """
    covered = 0.98 * (real_units - 1)
    return float(stats.betabinom.cdf(round(inside * units), units, covered, real_units + 1 - covered))


def excess_test(above: float, *, units: int, real_units: int) -> float:
    """p-value of a share of new subjects above the 99th percentile of others; as `range_test`, one-sided."""
    covered = 1 + 0.99 * (real_units - 1)
    return float(stats.betabinom.sf(round(above * units) - 1, units, real_units + 1 - covered, covered))


def _by_outputation(
    test: Callable[[NDArray[np.float64], NDArray[np.float64]], float],
    first: NDArray[np.float64],
    first_units: NDArray[np.int64],
    second: NDArray[np.float64],
    second_units: NDArray[np.int64],
    generator: np.random.Generator,
) -> float:
    if all(len(np.unique(units)) == len(units) for units in (first_units, second_units)):
        return test(first, second)
    values = [
        test(_one_each(first, first_units, generator), _one_each(second, second_units, generator))
        for _ in range(_REPEATS)
    ]
    return min(1.0, 2 * float(np.median(values)))


def _kolmogorov_smirnov(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[float, float]:
    method = "exact" if len(first) * len(second) <= _EXACT else "asymp"
    with warnings.catch_warnings():
        # Where the exact sum fails, scipy takes the asymptotic one by itself and says so; nothing is to be done about it.
        warnings.filterwarnings("ignore", message="ks_2samp: Exact calculation unsuccessful", category=RuntimeWarning)
        found = stats.ks_2samp(first, second, method=method)
    return float(found.statistic), float(found.pvalue)


def _one_each(
    values: NDArray[np.float64], units: NDArray[np.int64], generator: np.random.Generator
) -> NDArray[np.float64]:
    order = generator.permutation(len(values))
    return values[order][np.unique(units[order], return_index=True)[1]]
