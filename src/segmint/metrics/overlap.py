"""IoU, precision, sensitivity and specificity of each label from the overlap counts of `segmint.metrics.dice`.

Counts may be summed over slices first. What is undefined is NaN, which means leave out [Maier-Hein 2024, Metrics
Reloaded]:

| | truth empty | prediction empty | both empty |
|---|---|---|---|
| IoU | 0 | 0 | NaN |
| precision | 0 | NaN | NaN |
| sensitivity | NaN | 0 | NaN |
| specificity | a value | 1 | 1 |

Dice follows the row of IoU. Precision has no value where nothing was predicted, though a label was missed there: a mean
of precision over subjects must be read beside sensitivity, and beside the number of subjects it rests on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

NAMES, DIRECTION, RANGE = ("iou", "precision", "sensitivity", "specificity"), "higher", (0.0, 1.0)


def iou(counts: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union, the Jaccard index: TP / (TP + FP + FN), 0 to 1, higher is better.

    Args:
        counts: [..., 3], true positives, false positives and false negatives.

    Returns:
        float64 [...].
    """
    hits, false_alarms, misses = _parts(counts)
    return _ratio(hits, hits + false_alarms + misses)


def precision(counts: ArrayLike) -> NDArray[np.float64]:
    """Positive predictive value, TP / (TP + FP), of counts [..., 3]: float64 [...], 0 to 1, higher is better."""
    hits, false_alarms, _ = _parts(counts)
    return _ratio(hits, hits + false_alarms)


def sensitivity(counts: ArrayLike) -> NDArray[np.float64]:
    """Recall, TP / (TP + FN), of counts [..., 3]: float64 [...], 0 to 1, higher is better."""
    hits, _, misses = _parts(counts)
    return _ratio(hits, hits + misses)


def specificity(counts: ArrayLike) -> NDArray[np.float64]:
    """TN / (TN + FP) of each label, 0 to 1, higher is better; close to 1 for any small label.

    Args:
        counts: [..., K, 3] of all K labels, background included: every pixel is in one of them, so that their true
            pixels add up to the image.

    Returns:
        float64 [..., K]; NaN where a label fills the whole image.
    """
    hits, false_alarms, misses = _parts(counts)
    total = (hits + misses).sum(axis=-1, keepdims=True)
    negatives = total - hits - misses
    return _ratio(negatives - false_alarms, negatives)


def _parts(counts: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    hits, false_alarms, misses = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    return hits, false_alarms, misses


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    values: NDArray[np.float64] = np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)
    return values
