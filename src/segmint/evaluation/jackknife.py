"""Intervals for numbers of whole sets of images: the delete-a-group jackknife [Kott 2001, Journal of Official Statistics 17(4)].

Subjects are dealt into groups; all is measured again without one group after the other, and how the results vary tells how sure
the number is. Groups are large, which a jackknife of numbers that are not smooth needs, such as shares of nearest neighbours
[Shao and Wu 1989, Annals of Statistics 17(3)]. Two sets that are compared with a third lose the same group of it, so that what
the third does by chance does not count as a difference of the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from segmint.evaluation.statistics import CONFIDENCE

GROUPS, FEWEST_GROUPS = 20, 5


@dataclass(frozen=True)
class Jackknifed:
    """A value with its 95% interval and the p-value of its being 0; NaN where there are too few groups."""

    value: float
    low: float
    high: float
    p_value: float


def deal_groups(
    units: NDArray[np.integer], groups: int, *, seed: int, parts: NDArray[np.integer] | None = None
) -> NDArray[np.int64]:
    """[n] the group of each image, 0 to `groups` - 1: whole subjects at random, as many in one group as in another.

    Args:
        units: [n] the subject of each image.
        parts: [n] the part of the set that its subject is in: of each part, too, as many are in one group as in another. None:
            there is one.
    """
    _, places, numbers = np.unique(units, return_index=True, return_inverse=True)
    drawn = np.random.default_rng(seed).permutation(len(places))
    order = np.lexsort((drawn, np.zeros(len(places)) if parts is None else parts[places]))
    dealt = np.empty(len(places), dtype=np.int64)
    dealt[order] = np.arange(len(places)) % groups
    return np.asarray(dealt[numbers])


def jackknifed(value: float, replicates: NDArray[np.float64]) -> Jackknifed:
    """The interval of a value from what it is without each group [G], by Student's t with G - 1 degrees of freedom."""
    count = len(replicates)
    if count < FEWEST_GROUPS or not np.isfinite([value, *replicates]).all():
        return Jackknifed(value, float("nan"), float("nan"), float("nan"))
    error = float(np.sqrt((count - 1) / count * np.square(replicates - replicates.mean()).sum()))
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1)) * error
    p_value = float(2 * stats.t.sf(abs(value) / error, count - 1)) if error > 0 else float(value == 0)
    return Jackknifed(value, value - reach, value + reach, p_value)
