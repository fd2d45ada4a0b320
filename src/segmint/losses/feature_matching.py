"""Feature matching [Wang 2018 (pix2pixHD), equation 4]."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def feature_matching(real_features: Sequence[Tensor], fake_features: Sequence[Tensor]) -> Tensor:
    """L1 between a discriminator's features of reals and fakes: a mean within each layer, summed over layers.

    Only the fakes have a gradient. For several discriminators, the caller sums.

    Raises:
        ValueError: lists of different length, or none.
    """
    terms = [
        (fake.float() - real.detach().float()).abs().mean()
        for real, fake in zip(real_features, fake_features, strict=True)
    ]
    if not terms:
        raise ValueError("feature matching needs at least one layer")
    return torch.stack(terms).sum()
