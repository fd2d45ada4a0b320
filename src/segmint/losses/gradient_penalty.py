"""R1 regularisation [Mescheder 2018, equation 9]."""

from __future__ import annotations

import torch
from torch import Tensor


def r1_penalty(real_logits: Tensor, reals: Tensor) -> Tensor:
    """Squared norm of the gradient of the logits [N] with respect to `reals` [N, C, H, W], mean over the batch.

    The weight gamma / 2 (times the interval when lazy [Karras 2020, section 3.1]) is the caller's. Run it in float32.
    """
    (gradient,) = torch.autograd.grad(real_logits.sum(), reals, create_graph=True)
    return gradient.float().square().sum(dim=(1, 2, 3)).mean()
