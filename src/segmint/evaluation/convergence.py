"""Whether the segmenter had learned what it could when its steps were used up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Curve = Sequence[tuple[int, float]]

# Gain in validation Dice over the last fifth of the steps above which a trial is not converged.
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


def _gain(curve: Curve) -> float:
    points = np.array([(images, dice) for images, dice in curve if not np.isnan(dice)], dtype=np.float64)
    if len(points) < 2:
        return float("nan")
    share, dice = points[:, 0] / float(curve[-1][0]), points[:, 1]

    def smoothed(end: float) -> float:
        inside = (share > end - _WINDOW + 1e-9) & (share <= end + 1e-9)
        return float(np.median(dice[inside])) if inside.any() else float(np.interp(end, share, dice))

    return smoothed(1.0) - smoothed(1.0 - _FIFTH)
