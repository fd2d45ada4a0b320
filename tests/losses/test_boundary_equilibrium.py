from __future__ import annotations

import pytest
import torch

from segmint.losses.boundary_equilibrium import (
    convergence,
    discriminator_boundary,
    next_balance,
    reconstruction_error,
)


def test_error_is_the_mean_absolute_difference() -> None:
    assert float(reconstruction_error(torch.zeros(2, 3, 4, 4), torch.full((2, 3, 4, 4), -0.25))) == 0.25


def test_the_balance_is_a_constant_to_the_gradient() -> None:
    real, fake, balance = (torch.tensor(value, requires_grad=True) for value in (0.4, 0.3, 0.5))
    loss = discriminator_boundary(real, fake, balance)
    assert loss.item() == pytest.approx(0.4 - 0.15)
    loss.backward()
    assert real.grad is not None
    assert fake.grad is not None
    assert (float(real.grad), float(fake.grad), balance.grad) == (1.0, -0.5, None)


def test_the_balance_follows_the_wanted_ratio() -> None:
    """Fakes rebuilt too well (L(fake) < ratio L(real)): the discriminator is to care more about them."""
    real = torch.tensor(0.4)
    assert float(next_balance(torch.tensor(0.5), real, torch.tensor(0.1), ratio=0.5, rate=0.1)) == pytest.approx(0.51)
    assert float(next_balance(torch.tensor(0.5), real, torch.tensor(0.3), ratio=0.5, rate=0.1)) == pytest.approx(0.49)
    assert float(next_balance(torch.tensor(0.0), real, torch.tensor(0.9), ratio=0.5, rate=1.0)) == 0
    assert float(next_balance(torch.tensor(1.0), real, torch.tensor(0.0), ratio=0.5, rate=1.0)) == 1


def test_convergence() -> None:
    assert float(convergence(torch.tensor(0.4), torch.tensor(0.3), ratio=0.5)) == pytest.approx(0.5)
