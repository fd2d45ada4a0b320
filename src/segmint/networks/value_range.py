"""Clipping to the range of real images, with gradients that can come back from outside."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _Clip(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(-1, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        (gradient,) = gradients
        # Descent moves x against its gradient: outside, only steps back towards the range pass.
        outward = ((x < -1) & (gradient > 0)) | ((x > 1) & (gradient < 0))
        return gradient.masked_fill(outward, 0)


def clip_to_range(x: Tensor) -> Tensor:
    """Clip to [-1, 1]; the gradient passes inside, and outside where a descent step would lead back inside.

    Real images are clipped at the ends of their intensity map, so air is exactly -1. A discriminator that sees generated
    air unclipped knows it by the least ripple, and the generator gives up its noise inputs, and with them all texture.
    """
    clipped: Tensor = _Clip.apply(x)  # type: ignore[no-untyped-call]
    return clipped
