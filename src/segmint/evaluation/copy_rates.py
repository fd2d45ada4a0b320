"""How many synthetic images are nearer to training images than new real ones are: threshold, base rate, excess.

What is usual is learnt from real images of subjects that did not train. Their subjects are dealt into two parts: one sets
the threshold, the other tells how often it is passed by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.evaluation.tail import ABOVE, Tail
from segmint.metrics.excess_share import Excess, Share, effective_size, excess_share, least_effective_size

# Below this number of held-out images no threshold is set.
FEWEST = 100
# Share of new real images that the threshold is to let pass. It is set for less than the 1% that is promised, since few
# subjects set it.
TARGET, PROMISED = 0.0015, 0.01
# Chance of any false alarm among all synthetic images above which a single one is not called a copy.
_ALARM = 0.01


@dataclass(frozen=True)
class Nearness:
    """How near n images are to their nearest training images, higher is nearer, in K ways: [n, K]; their subjects [n]."""

    values: NDArray[np.float64]
    units: NDArray[np.int64]


@dataclass(frozen=True)
class Comparison:
    """Synthetic images held against new real ones.

    Attributes:
        scores: [n] of the synthetic images, in units of the tail of held-out ones.
        threshold: the score from which on an image counts as copied; certain: the one from which on a single chance hit among all
            synthetic images would be a 1% event.
        copies, false_positives: shares above the threshold of synthetic images, and of the held-out ones that did not set it;
            for the bounds of the latter the images of a subject count as one, since what is rare may come by subject.
        excess: the first less the second. Its upper bound is on the same grounds; its lower one, which raises an alarm, takes
            images of one subject to be as alike as the nearest tenth of them are.
        calibrated_on, measured_on: images and subjects of the two parts of the held-out ones.
    """

    scores: NDArray[np.float64]
    threshold: float
    certain: float
    copies: Share
    false_positives: Share
    excess: Excess
    calibrated_on: tuple[int, int]
    measured_on: tuple[int, int]

    def described(self) -> dict[str, Any]:
        """JSON-able: counts, shares, and one-sided 95% bounds; of the excess too."""
        return {
            "threshold": self.threshold,
            "calibrated_on": dict(zip(("images", "subjects"), self.calibrated_on, strict=True)),
            "measured_on": dict(zip(("images", "subjects"), self.measured_on, strict=True)),
            "copies": _said(self.copies),
            "false_positives": _said(self.false_positives),
            "excess": {"share": self.excess.value, "interval": [self.excess.low, self.excess.high]},
            "certain": int((self.scores > self.certain).sum()),
        }


def _said(share: Share) -> dict[str, Any]:
    return {"count": share.hits, "share": share.value, "interval": [share.low, share.high]}


def compare_nearness(synthetic: NDArray[np.float64], held: Nearness | None, *, seed: int = 0) -> Comparison | None:
    """Hold synthetic images against new real ones.

    An image's score is the furthest out of its K numbers, each in units of the tail of the held-out images (`Tail`).

    Args:
        synthetic: [n, K] how near each is to its nearest training image, in K ways.
        held: the same of real images of subjects that did not train; None: there are none.
        seed: of the deal of held-out subjects.

    Returns:
        The comparison; None where no threshold can be set: fewer than 100 held-out images, or all of one subject.
    """
    if held is None or len(held.values) < FEWEST or held.units.max() < 1:
        return None
    first = first_part(held.units, seed=seed)
    tails = [Tail.of(column) for column in held.values[first].T]
    scores, new = (_score(one, tails) for one in (synthetic, held.values))
    threshold = max(Tail.of(new[first]).level(TARGET), float(np.quantile(new[first], 1 - PROMISED)))
    rest, units = new[~first], np.unique(held.units[~first], return_inverse=True)[1]
    passed = int((rest > threshold).sum())
    usual = Share(passed, len(rest), least_effective_size(units))
    # How images of one subject go together is seen where many are: it may raise an alarm, but bounds nothing.
    alike = Share(passed, len(rest), effective_size(rest > np.quantile(rest, 1 - ABOVE), units))
    found = Share(int((scores > threshold).sum()), len(scores), len(scores))
    certain = max(Tail.of(new).level(min(ABOVE, _ALARM / len(scores))), float(new.max()), threshold)
    return Comparison(
        scores=scores,
        threshold=threshold,
        certain=certain,
        copies=found,
        false_positives=usual,
        excess=replace(excess_share(found, usual), low=excess_share(found, alike).low),
        calibrated_on=(int(first.sum()), len(np.unique(held.units[first]))),
        measured_on=(len(rest), int(units.max()) + 1),
    )


def _score(values: NDArray[np.float64], tails: Sequence[Tail]) -> NDArray[np.float64]:
    """[n, K] -> [n]."""
    columns = [(column - tail.start) / (tail.scale or 1.0) for column, tail in zip(values.T, tails, strict=True)]
    return np.asarray(np.max(columns, axis=0), dtype=np.float64)


def first_part(units: NDArray[np.int64], *, seed: int) -> NDArray[np.bool_]:
    """[n] whether an image belongs to the first part: subjects dealt at random until it has half of the images."""
    order = np.random.default_rng(seed).permutation(int(units.max()) + 1)
    sizes = np.bincount(units, minlength=len(order))[order]
    before = np.cumsum(sizes) - sizes
    chosen = before < len(units) / 2
    chosen[-1] = False
    return np.isin(units, order[chosen])
