"""Multi-scale L1 loss over a critic's layers [Xue 2018 (SegAN), equations 1 and 2]."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def multi_scale_l1(features: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference within each layer, averaged over layers.

    Both arguments have a gradient: the critic maximises it, the other network minimises it.

    Raises:
        ValueError: lists of different length, or none.
    """
    terms = [(a.float() - b.float()).abs().mean() for a, b in zip(features, targets, strict=True)]
    if not terms:
        raise ValueError("the multi-scale loss needs at least one layer")
    return torch.stack(terms).mean()
