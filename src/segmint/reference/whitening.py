"""Features put on one scale by principal components, so that distances do not hang on a few large ones."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

COMPONENTS = 64
_FITTED_ON, _FLOOR = 1500, 0.05


class Whitening:
    """The first principal components of some features [N, D], each divided by its spread.

    The spread has a floor, a twentieth of the largest, lest components that hold next to nothing weigh as much as others.
    Of very many rows 1500 are looked at, evenly chosen by a fixed seed.
    """

    def __init__(self, features: Tensor) -> None:
        some = torch.from_numpy(np.random.default_rng(0).permutation(len(features))[:_FITTED_ON])
        self._mean = features[some].mean(dim=0)
        _, singular, axes = torch.linalg.svd(features[some] - self._mean, full_matrices=False)
        kept = min(COMPONENTS, len(singular))
        spread = singular[:kept] / max(1, len(some)) ** 0.5
        self._axes = axes[:kept].T / (spread + _FLOOR * spread[0] + 1e-12)

    def __call__(self, features: Tensor) -> Tensor:
        """[n, D] -> [n, at most COMPONENTS]."""
        whitened: Tensor = (features - self._mean) @ self._axes
        return whitened
