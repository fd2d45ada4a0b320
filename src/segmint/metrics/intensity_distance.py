"""How far the intensities of two sets of images are from one another: Wasserstein-1 between their histograms."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

NAME, DIRECTION, RANGE = "intensity_distance", "lower", (0.0, 1.0)

LOW, HIGH, BINS = -1.0, 1.0, 256


def intensity_histograms(images: ArrayLike, *, inside: ArrayLike | None = None) -> NDArray[np.float64]:
    """Pixels of each image by intensity.

    Args:
        images: [n, ...] in [-1, 1]; inside: bool of the same shape, the pixels that count; None: all.

    Returns:
        Counts [n, 256]; of an image with no pixel that counts all are 0.
    """
    values = np.asarray(images, dtype=np.float64).reshape(len(np.asarray(images)), -1)
    numbers = np.clip(((values - LOW) / (HIGH - LOW) * BINS).astype(np.int64), 0, BINS - 1)
    rows = np.broadcast_to(np.arange(len(values))[:, None], numbers.shape)
    weights = None if inside is None else np.asarray(inside, dtype=np.float64).reshape(values.shape).ravel()
    counted = np.bincount((rows * BINS + numbers).ravel(), weights=weights, minlength=len(values) * BINS)
    return np.asarray(counted.reshape(len(values), BINS), dtype=np.float64)


def intensity_distance(first: ArrayLike, second: ArrayLike) -> float:
    """Wasserstein-1 between two histograms [256], as a share of the whole range of intensities; NaN where one is empty.

    The mean way that intensities have to be moved to make one set's histogram the other's: the area between the two cumulated
    histograms.
    """
    ours, theirs = (np.asarray(one, dtype=np.float64) for one in (first, second))
    if not (ours.sum() > 0 and theirs.sum() > 0):
        return float("nan")
    difference = np.cumsum(ours / ours.sum() - theirs / theirs.sum())
    return float(np.abs(difference[:-1]).sum() / BINS)
