"""Perceptual distance with features of any network [Zhang 2018], without its learnt weights, which would be a download."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def feature_distance(features: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """Squared distance of features of unit length: a mean over pixels and samples, then over layers; in [0, 4].

    Args:
        features, targets: [N, channels, h, w] of each layer.

    Raises:
        ValueError: lists of different length, or none.
    """
    distances = [
        (F.normalize(mine, dim=1) - F.normalize(theirs, dim=1)).square().sum(dim=1).mean()
        for mine, theirs in zip(features, targets, strict=True)
    ]
    if not distances:
        raise ValueError("a perceptual distance needs at least one layer")
    return torch.stack(distances).mean()
