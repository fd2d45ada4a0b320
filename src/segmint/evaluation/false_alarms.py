"""How often segmenters find a label in subjects that do not have it: what a gain in Dice, which is about what is there, hides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmint.evaluation.statistics import Estimate, bootstrap_difference


@dataclass(frozen=True)
class FalseAlarms:
    """Share of the absent labels that an arm (`treated`) and 100R (`control`) find, 0 to 1, mean over subjects and seeds.

    `difference` is paired by seed and subject, with a t interval: most subjects differ by 0 or 1, and where few subjects have few
    values, resamples that hold one value alone make a studentised bootstrap useless.
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
    shares = [np.nanmean(np.where(absent, ~np.isnan(dice), np.nan)[:, lacking], axis=2) for dice in (treated, control)]
    difference = bootstrap_difference(*shares, units=units, within=(-1.0, 1.0), resamples=0)
    return FalseAlarms(float(shares[0].mean()), float(shares[1].mean()), difference)
