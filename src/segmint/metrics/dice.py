"""Dice similarity coefficient of each label [Dice 1945], from overlap counts that may be summed over slices first."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

NAME, DIRECTION, RANGE = "dice", "higher", (0.0, 1.0)
DIFFERENCES = (-1.0, 1.0)
"""Range of the difference of two."""


def overlap_counts(prediction: ArrayLike, truth: ArrayLike, *, label_count: int) -> NDArray[np.int64]:
    """True positives, false positives and false negatives of every label.

    The counts of the slices of one subject add up to the counts of the subject.

    Args:
        prediction: integer ids 0..label_count-1 of any shape (array or CPU tensor).
        truth: ids on the same grid.
        label_count: K, background included.

    Returns:
        int64 [K, 3], columns (true positives, false positives, false negatives), in pixels.

    Raises:
        ValueError: the shapes differ, or an id lies outside 0..label_count-1.
    """
    predicted, true = np.asarray(prediction), np.asarray(truth)
    if predicted.shape != true.shape:
        raise ValueError(f"prediction of shape {predicted.shape} on a truth of shape {true.shape}")
    for name, ids in (("prediction", predicted), ("truth", true)):
        if ids.dtype.kind not in "iub":
            raise ValueError(f"{name} holds {ids.dtype}, not integer ids")
        if ids.size and not (int(ids.min()) >= 0 and int(ids.max()) < label_count):
            raise ValueError(f"{name} holds ids from {ids.min()} to {ids.max()}, outside 0..{label_count - 1}")
    joint = true.ravel().astype(np.int64) * label_count + predicted.ravel().astype(np.int64)
    confusion = np.bincount(joint, minlength=label_count**2).reshape(label_count, label_count)
    hits = np.diagonal(confusion)
    return np.stack([hits, confusion.sum(axis=0) - hits, confusion.sum(axis=1) - hits], axis=1).astype(np.int64)


def dice(counts: ArrayLike) -> NDArray[np.float64]:
    """Dice = 2 TP / (2 TP + FP + FN) of each label, between 0 and 1, higher is better.

    A label that is absent from truth and prediction has no Dice: NaN, which means leave out. A label absent from the
    truth
    but predicted somewhere has Dice 0: a false alarm counts. Both as in nnU-Net v2 [Isensee 2021], so that numbers
    compare.

    Args:
        counts: [..., 3] as `overlap_counts` gives.

    Returns:
        float64 [...].
    """
    hits, false_alarms, misses = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    total = 2 * hits + false_alarms + misses
    values: NDArray[np.float64] = np.divide(2 * hits, total, out=np.full(total.shape, np.nan), where=total > 0)
    return values


def mean_over_labels(values: ArrayLike, *, absent: ArrayLike = False) -> NDArray[np.float64]:
    """Mean of Dice [..., labels] over the labels that have one; NaN where none has.

    Args:
        absent: bool, on the shape of `values`: labels that the truth lacks, which are left out though a false alarm gives them a
            Dice of 0. So two segmenters are compared on the same labels, and how many there are does not matter.
    """
    scores = np.asarray(values, dtype=np.float64)
    present = ~np.isnan(scores) & ~np.asarray(absent, dtype=np.bool_)
    count = present.sum(axis=-1)
    total = np.where(present, scores, 0.0).sum(axis=-1)
    means: NDArray[np.float64] = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    return means
