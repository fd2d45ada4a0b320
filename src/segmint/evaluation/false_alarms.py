"""How often segmenters find a label in subjects that do not have it: what a gain in Dice, which is about what is there, hides.

Most subjects differ by 0 or 1, and few lack a label. Resamples that hold one value alone make a studentised bootstrap useless,
and Student's t alone has no width where all subjects differ alike, though there be two of them. The interval of a difference is
therefore the wider, on each side, of two: that of Student's t over subjects and seeds, which knows how much seeds and generators
differ; and an exact one over the subjects, each with its mean over seeds, which knows how few they are. Of the subjects that
differ, a share is for more; of all, a share differs. Each share has its interval of Clopper and Pearson [1934, Biometrika 26(4)],
with an effective number of subjects where they differ by more or less than a whole label [Korn and Graubard 1998, Survey
Methodology 24(2)]; together they bound the difference. Where subjects differ by whole labels it lies above 0 only where the sign
test says so at two-sided 5%: at least 6 subjects must differ, and if no more do, all of them alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from segmint.evaluation.statistics import CONFIDENCE, Estimate, Limits, bootstrap_difference


@dataclass(frozen=True)
class FalseAlarms:
    """Share of the absent labels that an arm (`treated`) and 100R (`control`) find, 0 to 1, mean over subjects and seeds.

    `difference` is paired by seed and subject; its interval is never without width, and NaN where one subject alone lacks a label.
    """

    treated: float
    control: float
    difference: Estimate


def surely_more(difference: Estimate | None) -> bool:
    """Whether false alarms surely became more common; not where every subject has every label."""
    return difference is not None and difference.low > 0


def compare_false_alarms(
    treated: NDArray[np.float64],
    control: NDArray[np.float64],
    absent: NDArray[np.bool_],
    *,
    units: Sequence[int] | None = None,
) -> FalseAlarms | None:
    """Hold the false alarms of an arm against those of 100R; None where every subject has every label.

    Args:
        treated: Dice [seeds, subjects, labels], NaN where a label that is absent is not found; control: of 100R.
        absent: [subjects, labels], the labels that a subject does not have.
        units: as in `segmint.evaluation.statistics.bootstrap_mean`.
    """
    lacking = absent.any(axis=1)
    if not lacking.any():
        return None
    more, fewer = (
        np.nanmean(np.where(absent, ~np.isnan(dice), np.nan)[:, lacking], axis=2) for dice in (treated, control)
    )
    found = bootstrap_difference(more, fewer, units=units, within=(-1.0, 1.0), resamples=0)
    # Of one subject there is no interval.
    if not np.isnan(found.low):
        low, high = _exact((more - fewer).mean(axis=0))
        found = replace(found, low=min(found.low, low), high=max(found.high, high))
    return FalseAlarms(float(more.mean()), float(fewer.mean()), found)


def _exact(differences: NDArray[np.float64]) -> Limits:
    """Interval of the mean of `differences` [subjects], each between -1 and 1, however few they are.

    The mean is (2 u - 1) a, where a is the mean size of a difference, and u the share of the sizes that is for more.
    """
    sizes = np.abs(differences)
    changed = float(sizes.sum())
    # What rounding leaves of seeds that cancel is no change.
    if changed < 1e-9:
        changed = effective = up = 0.0
    else:
        effective, up = changed**2 / float((sizes**2).sum()), float(differences[differences > 0].sum()) / changed
    least, most = _clopper_pearson(changed, len(sizes))
    low, high = (2 * share - 1 for share in _clopper_pearson(up * effective, effective))
    return min(low * least, low * most), max(high * least, high * most)


def _clopper_pearson(successes: float, number: float) -> Limits:
    """Interval of a share; `successes` of `number`, which need not be whole. (0, 1) of none."""
    tails, failures = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2), max(number - successes, 0.0)
    low = float(stats.beta.ppf(tails[0], successes, failures + 1)) if successes > 0 else 0.0
    return low, float(stats.beta.ppf(tails[1], successes + 1, failures)) if failures > 0 else 1.0
