"""Which quantities of a synthetic set go with the gain it brings, and does a forecast of few of them hold on new datasets?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

RESAMPLES, CONFIDENCE = 2000, 0.95
# Of the logistic forecast: weight of the squared coefficients of standardised inputs.
RIDGE = 1.0

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Record:
    """One synthetic set: where it comes from, what adding it gained (Dice), what was seen in it.

    Attributes:
        run: what sets of one training share; every planted set is a run of its own.
    """

    dataset: str
    name: str
    run: str
    planted: bool
    gain: float
    quantities: Mapping[str, float]


@dataclass(frozen=True)
class Correlation:
    """Spearman's, with the interval of resampled runs; NaN where there is none."""

    value: float
    low: float
    high: float
    sets: int

    def __str__(self) -> str:
        return f"{self.value:+.2f} ({self.low:+.2f} to {self.high:+.2f})" if np.isfinite(self.value) else "–"


@dataclass(frozen=True)
class Input:
    """A quantity that the forecast is made of: `sign` +1 where more of it is better; `good` turns it into a number that rises."""

    quantity: str
    good: Callable[[Numbers], Numbers]


# Do masks follow images, and are images new? As `segmint.evaluation.forecast` takes them.
INPUTS = (
    Input("alignment", lambda value: np.clip(value, 0, 1)),
    Input("copies", lambda value: -np.maximum(value - 0.5, 0)),
)
# Chosen before any gain was looked at, with those: do images look real, are they varied?
ALL_INPUTS = (
    *INPUTS,
    Input("frechet_distance in radiomics", lambda value: -np.log1p(np.maximum(value, 0))),
    Input("coverage in segmenter", lambda value: np.minimum(value, 0)),
)


def correlate(records: Sequence[Record], values: Numbers, *, within: bool, seed: int = 0) -> Correlation:
    """Spearman's correlation of a number of each set with its gain.

    Args:
        within: ranks are taken in each dataset by itself, so that what differs between datasets does not count.
    """
    known = np.isfinite(values)
    chosen = [record for record, kept in zip(records, known, strict=True) if kept]
    ours, gains = values[known], np.array([record.gain for record in chosen])
    groups = np.array([record.dataset for record in chosen]) if within else np.zeros(len(chosen))
    runs = np.unique([f"{record.dataset} {record.run}" for record in chosen], return_inverse=True)[1]
    members = [np.flatnonzero(runs == run) for run in range(int(runs.max(initial=-1)) + 1)]
    value = _spearman(ours, gains, groups)
    generator, drawn = np.random.default_rng(seed), []
    for _ in range(RESAMPLES if len(members) > 2 else 0):
        picked = np.concatenate([members[i] for i in generator.integers(len(members), size=len(members))])
        drawn.append(_spearman(ours[picked], gains[picked], groups[picked]))
    kept = np.array([one for one in drawn if np.isfinite(one)])
    low, high = np.quantile(kept, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]) if len(kept) else (np.nan, np.nan)
    return Correlation(value, float(low), float(high), len(chosen))


def _spearman(first: Numbers, second: Numbers, groups: NDArray[np.generic]) -> float:
    """Pearson's of ranks, from -0.5 to 0.5 in each group."""
    ranks: list[list[Numbers]] = [[], []]
    for group in np.unique(groups):
        own = groups == group
        if own.sum() > 1:
            for place, values in enumerate((first[own], second[own])):
                ranks[place].append((stats.rankdata(values) - (own.sum() + 1) / 2) / own.sum())
    if not ranks[0]:
        return float("nan")
    ours, theirs = (np.concatenate(one) for one in ranks)
    scale = np.sqrt((ours**2).sum() * (theirs**2).sum())
    return float((ours * theirs).sum() / scale) if scale > 0 else float("nan")


@dataclass(frozen=True)
class Forecast:
    """Chance of a gain: logistic in standardised inputs, none of which counts against its own direction."""

    centre: Numbers
    spread: Numbers
    weights: Numbers
    intercept: float

    def __call__(self, inputs: Numbers) -> Numbers:
        """[n, K] -> [n], 0 to 1; what is not known counts as usual."""
        standard = np.nan_to_num((inputs - self.centre) / self.spread)
        return np.asarray(1 / (1 + np.exp(-(standard @ self.weights + self.intercept))), dtype=np.float64)


def fit(inputs: Numbers, gains: Numbers, *, error: float) -> Forecast:
    """Fit to how likely each gain is above 0, given the standard error it was measured with; inputs [n, K] rise with worth."""
    centre, spread = np.nanmean(inputs, axis=0), np.nanstd(inputs, axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    standard, wanted = np.nan_to_num((inputs - centre) / spread), stats.norm.cdf(gains / error)

    def loss(parameters: Numbers) -> tuple[float, Numbers]:
        weights, intercept = parameters[:-1], parameters[-1]
        logits = standard @ weights + intercept
        value = np.logaddexp(0, logits).sum() - (wanted * logits).sum() + RIDGE / 2 * (weights**2).sum()
        off = 1 / (1 + np.exp(-logits)) - wanted
        return float(value), np.append(standard.T @ off + RIDGE * weights, off.sum())

    count = inputs.shape[1]
    found = optimize.minimize(
        loss, np.zeros(count + 1), jac=True, bounds=[(0, None)] * count + [(None, None)], method="L-BFGS-B"
    )
    return Forecast(centre, spread, found.x[:-1], float(found.x[-1]))


def inputs_of(records: Sequence[Record], chosen: Sequence[Input] = INPUTS) -> Numbers:
    """[n, K] what a forecast is made of."""
    return np.stack(
        [one.good(np.array([record.quantities.get(one.quantity, np.nan) for record in records])) for one in chosen],
        axis=1,
    )


def left_out_forecasts(records: Sequence[Record], *, error: float, chosen: Sequence[Input] = INPUTS) -> Numbers:
    """[n] forecast of each set by a fit to the other datasets."""
    inputs, gains = inputs_of(records, chosen), np.array([record.gain for record in records])
    datasets, found = np.array([record.dataset for record in records]), np.full(len(records), np.nan)
    for dataset in np.unique(datasets):
        own = datasets == dataset
        found[own] = fit(inputs[~own], gains[~own], error=error)(inputs[own])
    return found
