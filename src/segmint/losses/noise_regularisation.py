"""Regularisation of noise maps that are optimised [Karras 2020, appendix D]: they are to carry nothing of the image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

SMALLEST = 8


def noise_correlation(maps: Sequence[Tensor]) -> Tensor:
    """Squared correlation of neighbours in maps [N, 1, r, r], summed over maps and their halved copies: [N].

    Each map is halved, by means of 2 x 2 pixels that are made unit noise again, down to 8 x 8. Maps are taken to wrap round.
    """
    total = torch.zeros(len(maps[0]), device=maps[0].device)
    for one in maps:
        level = one
        while True:
            for axis in (2, 3):
                total = total + (level * level.roll(1, dims=axis)).mean(dim=(1, 2, 3)).square()
            if level.shape[2] <= SMALLEST:
                break
            level = F.avg_pool2d(level, 2) * 2
    return total


@torch.no_grad()
def standardise(maps: Sequence[Tensor]) -> None:
    """Make each map [N, 1, r, r] zero mean and unit variance again, in place, sample by sample."""
    for one in maps:
        one -= one.mean(dim=(1, 2, 3), keepdim=True)
        one *= torch.rsqrt(one.square().mean(dim=(1, 2, 3), keepdim=True) + 1e-8)
