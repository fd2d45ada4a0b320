"""Dropout whose masks come from generators passed in, so that it can be a GAN's noise [Isola 2017, section 3.1]."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def draw_keep_each(
    shapes: Sequence[Sequence[int]], rate: float, generators: Sequence[torch.Generator], device: torch.device
) -> list[Tensor]:
    """Masks [N, *shape] of 0 and 1, one for each of `shapes`; sample i is drawn from generator i alone.

    Args:
        rate: probability of 0.
    """
    return [
        torch.stack([(torch.rand(*shape, generator=g, device=g.device) >= rate).float() for g in generators]).to(device)
        for shape in shapes
    ]


def draw_keep_batch(
    shapes: Sequence[Sequence[int]], rate: float, n: int, generator: torch.Generator, device: torch.device
) -> list[Tensor]:
    """Masks [n, *shape] of 0 and 1, one for each of `shapes`, all from one generator (training)."""
    return [
        (torch.rand(n, *shape, generator=generator, device=generator.device) >= rate).float().to(device)
        for shape in shapes
    ]


def apply_keep(x: Tensor, keep: Tensor, rate: float) -> Tensor:
    """Zero where `keep` is 0; the rest grows by 1 / (1 - rate), so that the mean stays [Srivastava 2014]."""
    return x * (keep / (1 - rate)).to(x.dtype)
