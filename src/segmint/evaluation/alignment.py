"""Whether masks follow their images: what a segmenter sees in images, held against the masks they come with.

Segmenters have learned from real pairs, each from one half of the training subjects. On synthetic pairs their Dice is low where
masks and images disagree, and where the images look unlike real ones; their Dice on real subjects that they have not learned
from says what to expect at best.

They cannot tell copies from alignment: each training pair was seen by one of them, so copies of training pairs look better
aligned than anything new. Nor do they see faults that are alike in both: a mask drawn a little too large in every real
pair is right for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.evaluation.chosen import Chosen
from segmint.evaluation.scoring import Predicts
from segmint.evaluation.statistics import CONFIDENCE
from segmint.metrics.dice import dice, mean_over_labels, overlap_counts

# Slices compared on either side, and draws of the bootstrap.
MOST, RESAMPLES = 1000, 2000
_CHUNK, _DRAWS_AT_ONCE = 32, 250


@dataclass(frozen=True)
class Agreement:
    """What a segmenter made of some slices.

    Attributes:
        chosen: the slices it was shown; total: how many there were to choose from.
        counts: int64 [n, K, 3], true positives, false positives, false negatives of every label in every slice, in pixels
            of the network's grid.
    """

    chosen: Chosen
    total: int
    counts: NDArray[np.int64]

    @property
    def by_unit(self) -> NDArray[np.int64]:
        """[units, K - 1, 3], the background left out. A unit is a subject; a synthetic pair is a subject of its own."""
        units = self.chosen.units
        summed = np.zeros((int(units.max()) + 1, *self.counts.shape[1:]), dtype=np.int64)
        np.add.at(summed, units, self.counts)
        return summed[:, 1:]

    @property
    def by_slice(self) -> NDArray[np.float64]:
        """[n] Dice over all labels but the background together, NaN where neither mask holds any."""
        return dice(self.counts[:, 1:].sum(axis=1))


def measure_agreement(segmenter: Predicts, chosen: Chosen, *, most: int = MOST, seed: int = 0) -> Agreement:
    """Show a segmenter some slices and count how its masks overlap with theirs; of very many `most`, at random."""
    total, shown = len(chosen.indices), chosen.some(most, seed=seed)
    slices, counts = shown.slices, []
    for start in range(0, len(shown.indices), _CHUNK):
        block = shown.indices[start : start + _CHUNK]
        predicted, _ = segmenter.predict(np.asarray(slices.images[block]))
        label_count = len(slices.dataset.label_names)
        counts += [
            overlap_counts(mine, given, label_count=label_count)
            for mine, given in zip(predicted, np.asarray(slices.labels[block]), strict=True)
        ]
    return Agreement(shown, total, np.stack(counts))


def together(parts: Sequence[Agreement]) -> Agreement:
    """What several segmenters made of the same slices, their counts added up."""
    return Agreement(parts[0].chosen, parts[0].total, np.sum([one.counts for one in parts], axis=0))


def beside(parts: Sequence[Agreement]) -> Agreement:
    """What several segmenters made of slices of one set, each of others."""
    chosen = Chosen(parts[0].chosen.slices, np.concatenate([one.chosen.indices for one in parts]))
    return Agreement(chosen, sum(one.total for one in parts), np.concatenate([one.counts for one in parts]))


def compare_agreement(
    synthetic: Agreement, holdout: Agreement | None, *, label_names: Sequence[str], seed: int = 0
) -> dict[str, Any]:
    """Pooled Dice of each label and their mean on synthetic and on held-out real slices, and the ratio of the two.

    Overlap counts are added up over all units before anything is divided. Intervals (95%) come from resampling units
    [Efron and Tibshirani 1993], n - 1 out of n, which keeps the variance unbiased [Rao and Wu 1988, JASA 83]; the two
    sides of a ratio are resampled independently of each other. They do not cover the choice of the segmenter, which is one
    and the same for both sides.

    Args:
        holdout: of real subjects that neither the segmenter nor the generator has learned from; None: no ratio.
        label_names: by id, background first.
        seed: of the resampling.

    Returns:
        JSON-able: `mean` and, by name, `labels`, each with `synthetic` and `holdout` (`dice` and `interval`) and `ratio`
        (`value` and `interval`); `holdout` and `ratio` None without held-out data. A label that no mask of a side holds has
        no Dice there: NaN. The mean is over the labels that both sides have. An interval is NaN where a label is in the
        masks of fewer than two units, and that of a ratio where the held-out Dice may be 0.
    """
    sides = [one.by_unit for one in (synthetic, holdout) if one is not None]
    held = [_holds(counts.sum(axis=0)) for counts in sides]
    shared = np.logical_and.reduce(held)
    values = [_pooled(counts.sum(axis=0), shared) for counts in sides]
    draws = [_resampled(counts, shared, np.random.default_rng([seed, number])) for number, counts in enumerate(sides)]
    enough = [_enough(counts, shared) for counts in sides]
    entries = []
    for place in range(len(label_names)):
        intervals = [_interval(drawn[:, place], kept[place]) for drawn, kept in zip(draws, enough, strict=True)]
        mine, *theirs = (
            {"dice": float(value[place]), "interval": interval}
            for value, interval in zip(values, intervals, strict=True)
        )
        entry: dict[str, Any] = {"synthetic": mine, "holdout": None, "ratio": None}
        if theirs:
            ratio, drawn_ratios = (_divided(*(one[..., place] for one in of)) for of in (values, draws))
            entry["holdout"] = theirs[0]
            entry["ratio"] = {
                "value": float(ratio) if np.isfinite(ratio) else float("nan"),
                "interval": _interval(drawn_ratios, all(kept[place] for kept in enough)),
            }
        entries.append(entry)
    *labels, mean = entries
    return {"mean": mean, "labels": dict(zip(label_names[1:], labels, strict=True))}


def _holds(counts: NDArray[np.integer] | NDArray[np.float64]) -> NDArray[np.bool_]:
    """[..., labels, 3] -> whether the given masks hold the label."""
    return np.asarray(counts[..., 0] + counts[..., 2] > 0)


def _pooled(counts: NDArray[np.integer] | NDArray[np.float64], shared: NDArray[np.bool_]) -> NDArray[np.float64]:
    """[..., labels, 3] -> [..., labels + 1]: Dice of each label that the masks hold, then the mean of the shared ones."""
    scores = np.where(_holds(counts), dice(counts), np.nan)
    mean = mean_over_labels(np.where(shared, scores, np.nan))
    return np.concatenate([scores, mean[..., None]], axis=-1)


def _resampled(
    units: NDArray[np.int64], shared: NDArray[np.bool_], generator: np.random.Generator
) -> NDArray[np.float64]:
    """[resamples, labels + 1] `_pooled` of resampled units [n, labels, 3]."""
    n = len(units)
    if n < 2:
        return np.full((RESAMPLES, units.shape[1] + 1), np.nan)
    flat = units.reshape(n, -1).astype(np.float64)
    parts = []
    for _ in range(0, RESAMPLES, _DRAWS_AT_ONCE):
        weights = generator.multinomial(n - 1, np.full(n, 1 / n), size=_DRAWS_AT_ONCE)
        parts.append((weights @ flat).reshape(-1, *units.shape[1:]))
    return _pooled(np.concatenate(parts), shared)


def _enough(units: NDArray[np.int64], shared: NDArray[np.bool_]) -> list[bool]:
    """[labels + 1] whether at least two units hold the label, or any that is part of the mean."""
    holds = _holds(units)
    together = (holds & shared).any(axis=1)
    return [int(column.sum()) > 1 for column in (*holds.T, together)]


def _interval(draws: NDArray[np.float64], enough: bool) -> list[float]:
    """[low, high]; NaN where it is not to be had, or where the upper end has no bound."""
    known = draws[~np.isnan(draws)]
    if not enough or not len(known):
        return [float("nan")] * 2
    # Order statistics, since between a number and infinity there is nothing to interpolate.
    ends = np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], method="nearest")
    return [float(one) for one in ends] if np.isfinite(ends).all() else [float("nan")] * 2


def _divided(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Their ratio; infinite where the second alone is 0, NaN where both are or either is unknown."""
    quotient = np.divide(first, second, out=np.full(np.shape(first), np.nan), where=second > 0)
    return np.where((second == 0) & (first > 0), np.inf, quotient)
