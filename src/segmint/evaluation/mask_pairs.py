"""How alike two masks of different subjects are: drawn ones beside real ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.evaluation.mask_set import MaskSet
from segmint.metrics.mask_similarity import pairwise_dice

PERCENTILE = 99
_RESAMPLES, _CONFIDENCE = 200, 0.95


@dataclass(frozen=True)
class _Pairs:
    """Dice of pairs [p] in ascending order, and the subjects [p] of the two masks of each."""

    dice: NDArray[np.float32]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    subjects: int

    def weights(self, of_subjects: NDArray[np.float64]) -> NDArray[np.float64]:
        """Cumulative weight [p] of the pairs, the last 1."""
        total = np.cumsum(of_subjects[self.first] * of_subjects[self.second])
        return np.asarray(total / total[-1] if total[-1] else total, dtype=np.float64)


def compare_pairs(drawn: MaskSet, real: MaskSet, *, seed: int) -> dict[str, Any] | None:
    """Pairwise Dice among drawn masks beside that between real masks of different subjects; no mask is empty.

    Returns:
        `drawn` and `real`: median and 99th percentile; `share_above`: of the drawn pairs with a Dice above the real 99th
        percentile, 0.01 if they are alike, with its 95% `interval` from a bootstrap over real subjects and drawn masks.
        None where either set has no two masks of different subjects.
    """
    ours, theirs = _pairs(drawn), _pairs(real)
    if not (len(ours.dice) and len(theirs.dice)):
        return None
    low, high = _interval(ours, theirs, seed=seed)
    limit = float(np.percentile(theirs.dice, PERCENTILE))
    return {
        "drawn": _described(ours),
        "real": _described(theirs),
        "share_above": float((ours.dice > limit).mean()),
        "interval": [low, high],
    }


def _pairs(masks: MaskSet) -> _Pairs:
    units = masks.units
    first, second = np.triu_indices(len(masks), 1)
    apart = units[first] != units[second]
    first, second = first[apart], second[apart]
    dice = pairwise_dice(masks.labels, masks.labels)[first, second]
    order = np.argsort(dice, kind="stable")
    return _Pairs(dice[order], units[first][order], units[second][order], masks.subject_count)


def _described(pairs: _Pairs) -> dict[str, float]:
    return {"median": float(np.median(pairs.dice)), "percentile_99": float(np.percentile(pairs.dice, PERCENTILE))}


def _interval(drawn: _Pairs, real: _Pairs, *, seed: int) -> tuple[float, float]:
    generator = np.random.default_rng(seed)
    shares = []
    for _ in range(_RESAMPLES):
        theirs = real.weights(_drawn_weights(real.subjects, generator))
        ours = drawn.weights(_drawn_weights(drawn.subjects, generator))
        if not (theirs[-1] and ours[-1]):
            continue
        limit = real.dice[min(int(np.searchsorted(theirs, PERCENTILE / 100)), len(real.dice) - 1)]
        below = int(np.searchsorted(drawn.dice, limit, side="right"))
        shares.append(1 - (ours[below - 1] if below else 0.0))
    low, high = np.quantile(shares, [(1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2])
    return float(low), float(high)


def _drawn_weights(units: int, generator: np.random.Generator) -> NDArray[np.float64]:
    return generator.multinomial(units, np.full(units, 1 / units)).astype(np.float64)
