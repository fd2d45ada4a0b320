"""Whether the segmenter had learned what it could when its steps were used up."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Curve = Sequence[tuple[int, float]]

# Gain in validation Dice over the last fifth of the steps above which an arm has not converged.
LARGEST_GAIN = 0.005
# How far validation Dice may lie below the highest it had been before an arm counts as over-trained.
LARGEST_FALL = 0.02
# The highest of many noisy values lies above their mean: a fall must be so many times the noise too.
_TIMES_NOISE = 3
_FIFTH, _WINDOW = 0.2, 0.15


@dataclass(frozen=True)
class Peak:
    """Where validation Dice was highest, `share` of the steps, and how far above its end: `fall`, a Dice difference.

    `noise`: standard deviation of one value of the curve, by how it jumps from one to the next.
    """

    share: float
    fall: float
    noise: float = 0.0

    @property
    def over_trained(self) -> bool:
        """Whether the steps that followed surely spoiled the segmenters."""
        return self.fall > max(LARGEST_FALL, _TIMES_NOISE * self.noise)


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


def find_peak(curves: Sequence[Curve]) -> Peak | None:
    """The highest validation Dice of the mean over the curves, smoothed as for `last_fifth_gain`; the end where nothing is above.

    Segmenters that learn few slices by heart are best long before they end: what a comparison finds of them then depends
    on the number of steps.

    Args:
        curves: as for `last_fifth_gain`.

    Returns:
        None where fewer than two values were measured.
    """
    measured: dict[int, list[float]] = {}
    for curve in curves:
        for images, value in curve:
            if not np.isnan(value):
                measured.setdefault(images, []).append(value)
    if len(measured) < 2:
        return None
    means = [(images, float(np.mean(measured[images]))) for images in sorted(measured)]
    share, dice = _shares(means)
    smoothed = np.array([_smoothed(share, dice, end) for end in share])
    highest = int(np.argmax(smoothed))
    # Median absolute difference of neighbours, as a standard deviation of normal values.
    noise = float(np.median(np.abs(np.diff(dice)))) / (0.6745 * math.sqrt(2))
    return Peak(float(share[highest]), float(smoothed[highest] - smoothed[-1]), noise)


def has_converged(gain: float) -> bool | None:
    """Whether segmenters with this gain over the last fifth had learned what they could; None where it is NaN."""
    return None if math.isnan(gain) else gain <= LARGEST_GAIN


def all_converged(gains: Iterable[float]) -> bool | None:
    """False where one has not converged, else None where one was not measured, else True."""
    found = {has_converged(gain) for gain in gains}
    return False if False in found else None if None in found else True


def describe_convergence(
    gains: Mapping[str, float], *, judged: Collection[str], peaks: Mapping[str, Peak | None] | None = None
) -> dict[str, Any]:
    """What trial.json says of each arm: the gain in points, whether it has converged, and whether the verdict asks that.

    With `peaks` also the share of the steps after which validation Dice was highest, by how many points it fell since, and
    whether that is more than noise.
    """
    described: dict[str, Any] = {
        name: {"gain_points": 100 * gain, "converged": has_converged(gain), "judged": name in judged}
        for name, gain in gains.items()
    }
    for name, peak in (peaks or {}).items():
        if peak is not None:
            described[name] |= {
                "peak_share": peak.share,
                "fall_points": 100 * peak.fall,
                "over_trained": peak.over_trained,
            }
    return described


def _gain(curve: Curve) -> float:
    points = [(images, dice) for images, dice in curve if not np.isnan(dice)]
    if len(points) < 2:
        return float("nan")
    share, dice = _shares(points, total=curve[-1][0])
    return _smoothed(share, dice, 1.0) - _smoothed(share, dice, 1.0 - _FIFTH)


def _shares(points: Curve, *, total: int | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Images shown as a share of all, and Dice."""
    found = np.array(points, dtype=np.float64)
    return found[:, 0] / float(points[-1][0] if total is None else total), found[:, 1]


def _smoothed(share: NDArray[np.float64], dice: NDArray[np.float64], end: float) -> float:
    """The median over the window that ends there."""
    inside = (share > end - _WINDOW + 1e-9) & (share <= end + 1e-9)
    return float(np.median(dice[inside])) if inside.any() else float(np.interp(end, share, dice))
