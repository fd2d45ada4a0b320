"""Least-squares adversarial loss with targets 0 and 1 [Mao 2017, equation 9]."""

from __future__ import annotations

from torch import Tensor


def generator_least_squares(fake_logits: Tensor) -> Tensor:
    """(D(fake) - 1)^2 / 2, mean over samples and patches."""
    return (fake_logits - 1).square().mean() / 2


def discriminator_least_squares(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """(D(real) - 1)^2 / 2 + D(fake)^2 / 2, means over samples and patches."""
    return (real_logits - 1).square().mean() / 2 + fake_logits.square().mean() / 2
