"""Wilcoxon's signed-rank test of every arm against real slices alone: a second opinion beside the intervals.

It asks of the subjects alone, each with its mean over seeds, whether differences are symmetric about 0 [Wilcoxon 1945, Biometrics
Bulletin 1(6)], assumes no distribution, and cannot be moved by a single subject. It takes what the seeds gave as it is, so it
may call a difference certain that other seeds would not show again; the verdict does not rest on it.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats


@dataclass(frozen=True)
class SignedRank:
    """Two-sided p, the same adjusted for the number of arms, and the subjects scored in both arms."""

    p: float
    adjusted: float
    subjects: int


def signed_ranks(arms: Mapping[str, NDArray[np.float64]], control: NDArray[np.float64]) -> dict[str, SignedRank]:
    """Test each of `arms`, adjusted over all of them by Holm's method [1979, Scandinavian Journal of Statistics 6(2)].

    Args:
        arms: by name Dice [seeds, subjects], NaN where there is none; control: the same of the arm they are held against.

    Returns:
        By name; p is 1 where no subject differs, NaN where no subject is scored in both arms.
    """
    found = {name: _p(scores - control) for name, scores in arms.items()}
    adjusted = _holm({name: p for name, (p, _) in found.items() if not np.isnan(p)})
    return {name: SignedRank(p, adjusted.get(name, float("nan")), subjects) for name, (p, subjects) in found.items()}


def _p(differences: NDArray[np.float64]) -> tuple[float, int]:
    """Of [seeds, subjects]; the p value and how many subjects it rests on. Subjects that do not differ are left out [Wilcoxon]."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a subject without any score
        means = np.nanmean(differences, axis=0)
    known = means[~np.isnan(means)]
    # The order of adding up leaves traces where nothing differs.
    differing = known[np.abs(known) > 1e-12]
    if not len(differing):
        return (1.0 if len(known) else float("nan")), len(known)
    return float(stats.wilcoxon(differing).pvalue), len(known)


def _holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """The k-th smallest of n times n - k + 1, never below a smaller one's, at most 1."""
    adjusted, least = {}, 0.0
    for place, name in enumerate(sorted(p_values, key=lambda one: p_values[one])):
        least = max(least, min(1.0, (len(p_values) - place) * p_values[name]))
        adjusted[name] = least
    return adjusted
