"""How far the predicted volume is off, and how much is predicted where there is nothing.

Volumes in mm^3 (areas in mm^2 for 2-D images), which may be summed over the parts of a subject first.

| | truth empty | prediction empty | both empty |
|---|---|---|---|
| absolute volume error | the predicted volume | the true volume | NaN |
| relative volume error | NaN | -1 | NaN |
| false-positive volume | the predicted volume | NaN | 0 |

False-positive volume is measured on subjects without the label alone, and is NaN on all others. False-positive area is
the same of slices: the predicted area on a slice without the label, in mm^2, mean over such slices of a subject.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

NAMES = ("volume_error", "relative_volume_error", "false_positive_volume", "false_positive_area")
DIRECTIONS = {
    "volume_error": "lower",
    "relative_volume_error": "zero",
    "false_positive_volume": "lower",
    "false_positive_area": "lower",
}
RANGES = {
    "volume_error": (0.0, float("inf")),
    "relative_volume_error": (-1.0, float("inf")),
    "false_positive_volume": (0.0, float("inf")),
    "false_positive_area": (0.0, float("inf")),
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


def false_positive_area(area: ArrayLike, slices: ArrayLike) -> NDArray[np.float64]:
    """Predicted area [...] summed over the slices without the label, by their number [...]; NaN where there are none."""
    total, number = _volumes(area, slices)
    values: NDArray[np.float64] = np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
    return values


def empty_slice_counts(
    prediction: NDArray[np.bool_], truth: NDArray[np.bool_], *, axis: int | None
) -> NDArray[np.int64]:
    """(predicted pixels on slices without the label, number of such slices), int64 [2].

    Args:
        prediction: [*spatial] one label; truth: on the same grid.
        axis: along which slices are stacked; None for a single image.
    """
    ours, theirs = (
        one.reshape(1, -1) if axis is None else np.moveaxis(one, axis, 0).reshape(one.shape[axis], -1)
        for one in (prediction, truth)
    )
    empty = ~theirs.any(axis=1)
    return np.array([ours[empty].sum(), empty.sum()], dtype=np.int64)


def _volumes(predicted: ArrayLike, true: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.asarray(predicted, dtype=np.float64), np.asarray(true, dtype=np.float64)
