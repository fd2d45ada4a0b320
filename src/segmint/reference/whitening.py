"""Features put on one scale by principal components, so that distances do not hang on a few large ones."""

from __future__ import annotations

import torch
from torch import Tensor

COMPONENTS = 64
_FLOOR = 0.05


class Whitening:
    """The first principal components of some features [N, D], each divided by its spread.

    The spread has a floor, a twentieth of the largest, lest components that hold next to nothing weigh as much as others.
    """

    def __init__(self, features: Tensor, *, components: int = COMPONENTS) -> None:
        self._mean = features.mean(dim=0)
        _, singular, axes = torch.linalg.svd(features - self._mean, full_matrices=False)
        kept = min(components, len(singular))
        spread = singular[:kept] / len(features) ** 0.5
        self._axes = axes[:kept].T / (spread + _FLOOR * spread[:1].sum() + 1e-12)

    def __call__(self, features: Tensor) -> Tensor:
        """[n, D] -> [n, at most `components`]."""
        whitened: Tensor = (features - self._mean) @ self._axes
        return whitened
