"""Whether the segmenter had learned what it could when its steps were used up."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

Curve = Sequence[tuple[int, float]]

# Gain in validation Dice over the last fifth of the steps above which an arm has not converged.
LARGEST_GAIN = 0.005
_FIFTH, _WINDOW = 0.2, 0.15


def last_fifth_gain(curves: Sequence[Curve]) -> float:
    """What validation Dice gained over the last fifth of the steps, mean over the curves.

    Each end of the fifth is smoothed over the steps that lead up to it: the median over the last 15 percent of the steps
    minus the median over the 15 percent that end where the last fifth begins. A steady rise is measured exactly, a rise
    that levels off slightly overstated; the median keeps a single bad validation from passing for a gain. A
    curve too coarse for a window gives its interpolated value at the end of the window instead.

    Args:
        curves: for each seed (images shown, validation Dice), the last at the end of training.

    Returns:
        The gain as a Dice difference (0.005 is half a point); NaN where no curve holds two measured values.
    """
    gains = [_gain(curve) for curve in curves]
    known = [gain for gain in gains if not np.isnan(gain)]
    return float(np.mean(known)) if known else float("nan")


def has_converged(gain: float) -> bool | None:
    """Whether segmenters with this gain over the last fifth had learned what they could; None where it is NaN."""
    return None if math.isnan(gain) else gain <= LARGEST_GAIN


def all_converged(gains: Iterable[float]) -> bool | None:
    """False where one has not converged, else None where one was not measured, else True."""
    found = {has_converged(gain) for gain in gains}
    return False if False in found else None if None in found else True


def describe_convergence(gains: Mapping[str, float], *, judged: Collection[str]) -> dict[str, Any]:
    """What trial.json says of each arm: the gain in points, whether it has converged, and whether the verdict asks that."""
    return {
        name: {"gain_points": 100 * gain, "converged": has_converged(gain), "judged": name in judged}
        for name, gain in gains.items()
    }


def _gain(curve: Curve) -> float:
    points = np.array([(images, dice) for images, dice in curve if not np.isnan(dice)], dtype=np.float64)
    if len(points) < 2:
        return float("nan")
    share, dice = points[:, 0] / float(curve[-1][0]), points[:, 1]

    def smoothed(end: float) -> float:
        inside = (share > end - _WINDOW + 1e-9) & (share <= end + 1e-9)
        return float(np.median(dice[inside])) if inside.any() else float(np.interp(end, share, dice))

    return smoothed(1.0) - smoothed(1.0 - _FIFTH)
