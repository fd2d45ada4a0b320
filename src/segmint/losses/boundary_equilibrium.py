"""Loss of an autoencoder as discriminator, held in balance [Berthelot 2017 (BEGAN), sections 3.3 and 3.4; Khan 2018]."""

from __future__ import annotations

import torch
from torch import Tensor


def reconstruction_error(maps: Tensor, rebuilt: Tensor) -> Tensor:
    """Mean absolute difference over all pixels, channels and samples: what the generator minimises on its fakes."""
    return (maps - rebuilt).abs().mean()


def discriminator_boundary(real_error: Tensor, fake_error: Tensor, balance: Tensor) -> Tensor:
    """L(real) - k L(fake), with the balance k a constant to the gradient."""
    return real_error - balance.detach() * fake_error


@torch.no_grad()
def next_balance(
    balance: Tensor, real_error: Tensor, fake_error: Tensor, *, ratio: float, rate: float = 0.001
) -> Tensor:
    """k + rate * (ratio * L(real) - L(fake)), in [0, 1].

    Args:
        ratio: gamma, the wanted L(fake) / L(real); small ones favour quality, large ones diversity.
    """
    return (balance + rate * (ratio * real_error - fake_error)).clamp(0, 1)


@torch.no_grad()
def convergence(real_error: Tensor, fake_error: Tensor, *, ratio: float) -> Tensor:
    """L(real) + |ratio * L(real) - L(fake)|: falls while both networks get better."""
    return real_error + (ratio * real_error - fake_error).abs()
