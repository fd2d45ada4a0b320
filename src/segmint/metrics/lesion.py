"""Lesion-wise F1: are the lesions found, whatever their size?

A lesion is a connected component, over faces, edges and corners. One of the truth is found, and one of the prediction
is right, where the other mask covers more than `least_share` of its voxels; by default one voxel suffices, as in ISLES
2022 [Hernandez Petzsche 2022, Scientific Data 9]. Several lesions may so be found by a single predicted one: a
prediction that covers everything scores 1, and F1 is to be read beside Dice.

Truth empty or prediction empty: 0. Both empty: NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from segmint.metrics.bounding_box import Mask, crop_to_both

NAME, DIRECTION, RANGE = "lesion_f1", "higher", (0.0, 1.0)


def lesion_counts(prediction: ArrayLike, truth: ArrayLike, *, least_share: float = 0.0) -> NDArray[np.int64]:
    """Lesions found, true, right and predicted; those of the parts of one subject add up.

    Args:
        prediction: bool [*spatial], 2-D or 3-D; truth: on the same grid.
        least_share: a lesion counts where more than this share of its voxels lies in the other mask, 0 to 1.

    Returns:
        int64 [4]: true lesions that are found, true lesions, predicted lesions that are right, predicted lesions.

    Raises:
        ValueError: the shapes differ.
    """
    predicted, true = crop_to_both(prediction, truth)
    if not predicted.size:
        return np.zeros(4, dtype=np.int64)
    return np.array([*_covered(true, predicted, least_share), *_covered(predicted, true, least_share)], dtype=np.int64)


def lesion_f1(counts: ArrayLike) -> NDArray[np.float64]:
    """Harmonic mean of the share of true lesions found and of predicted lesions right; 0 to 1, higher is better.

    Args:
        counts: [..., 4] as `lesion_counts` gives.

    Returns:
        float64 [...].
    """
    found, true, right, predicted = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    # 2 s p / (s + p) with s = found / true and p = right / predicted, free of divisions by zero.
    below = found * predicted + right * true
    values: NDArray[np.float64] = np.divide(2 * found * right, below, out=np.zeros(below.shape), where=below > 0)
    return np.where((true > 0) | (predicted > 0), values, np.nan)


def _covered(mask: Mask, other: Mask, least_share: float) -> tuple[int, int]:
    """(components of `mask` that `other` covers, components of `mask`)."""
    components, count = ndimage.label(mask, structure=np.ones((3,) * mask.ndim))
    sizes = np.bincount(components.ravel(), minlength=count + 1)[1:]
    inside = np.bincount(components[other], minlength=count + 1)[1:]
    return int(np.count_nonzero(inside > least_share * sizes)), int(count)
