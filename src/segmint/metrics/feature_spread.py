"""How far the images of a set lie apart: the mean distance between features of two of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

NAME, DIRECTION, RANGE = "feature_spread", "as real", (0.0, float("inf"))


def feature_spread(features: ArrayLike, *, units: NDArray[np.integer] | None = None) -> float:
    """Mean Euclidean distance over all pairs of images of different subjects.

    Args:
        features: [n, D]; units: the subject of each image; None: each is one.

    Raises:
        ValueError: there are images of one subject only.
    """
    values = np.asarray(features, dtype=np.float64)
    units = np.arange(len(values)) if units is None else units
    different = units[:, None] != units[None]
    if not different.any():
        raise ValueError("images of at least two subjects are needed")
    return float(cdist(values, values)[different].mean())
