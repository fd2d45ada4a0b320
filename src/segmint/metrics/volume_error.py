"""How far the predicted volume is off, and how much is predicted where there is nothing.

Volumes in mm^3 (areas in mm^2 for 2-D images), which may be summed over the parts of a subject first.

| | truth empty | prediction empty | both empty |
|---|---|---|---|
| absolute volume error | the predicted volume | the true volume | NaN |
| relative volume error | NaN | -1 | NaN |
| false-positive volume | the predicted volume | NaN | 0 |

False-positive volume is measured on subjects without the label alone, and is NaN on all others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

NAMES = ("volume_error", "relative_volume_error", "false_positive_volume")
DIRECTIONS = {"volume_error": "lower", "relative_volume_error": "zero", "false_positive_volume": "lower"}
RANGES = {
    "volume_error": (0.0, float("inf")),
    "relative_volume_error": (-1.0, float("inf")),
    "false_positive_volume": (0.0, float("inf")),
}


def absolute_volume_error(predicted: ArrayLike, true: ArrayLike) -> NDArray[np.float64]:
    """|predicted - true|, float64 [...], from volumes [...]; at least 0, lower is better."""
    ours, theirs = _volumes(predicted, true)
    return np.where((ours > 0) | (theirs > 0), np.abs(ours - theirs), np.nan)


def relative_volume_error(predicted: ArrayLike, true: ArrayLike) -> NDArray[np.float64]:
    """(predicted - true) / true, float64 [...], from volumes [...]: 0 is best, below it too small, above too large."""
    ours, theirs = _volumes(predicted, true)
    values: NDArray[np.float64] = np.divide(ours - theirs, theirs, out=np.full(theirs.shape, np.nan), where=theirs > 0)
    return values


def false_positive_volume(predicted: ArrayLike, true: ArrayLike) -> NDArray[np.float64]:
    """The predicted volume where the true one is 0, float64 [...], from volumes [...]; at least 0, lower is better."""
    ours, theirs = _volumes(predicted, true)
    return np.where(theirs > 0, np.nan, ours)


def _volumes(predicted: ArrayLike, true: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.asarray(predicted, dtype=np.float64), np.asarray(true, dtype=np.float64)
