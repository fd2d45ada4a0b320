from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import expit

from segmint.losses.adversarial import (
    discriminator_logistic,
    discriminator_relativistic,
    generator_logistic,
    generator_relativistic,
)


def test_generator_loss_is_minus_log_sigmoid() -> None:
    logits = torch.randn(7, dtype=torch.float64) * 3
    assert float(generator_logistic(logits)) == pytest.approx(-np.log(expit(logits.numpy())).mean())


def test_discriminator_loss_is_the_binary_cross_entropy() -> None:
    real, fake = torch.randn(7, dtype=torch.float64) * 3, torch.randn(5, dtype=torch.float64) * 3
    expected = -np.log(expit(real.numpy())).mean() - np.log(1 - expit(fake.numpy())).mean()
    assert float(discriminator_logistic(real, fake)) == pytest.approx(expected)


def test_an_undecided_discriminator_gives_log_two() -> None:
    zeros = torch.zeros(3)
    assert float(generator_logistic(zeros)) == pytest.approx(math.log(2))
    assert float(discriminator_logistic(zeros, zeros)) == pytest.approx(2 * math.log(2))


def test_gradients_do_not_saturate_where_the_generator_loses() -> None:
    """d/dx softplus(-x) = -sigmoid(-x): full gradient for a fake that is found out, none for one that passes."""
    logits = torch.tensor([-50.0, 0.0, 50.0], requires_grad=True)
    generator_logistic(logits).backward()
    assert logits.grad is not None
    assert torch.allclose(logits.grad, torch.tensor([-1.0, -0.5, 0.0]) / 3)


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_extreme_logits_stay_finite(logit: float) -> None:
    x = torch.tensor([logit], requires_grad=True)
    loss = generator_logistic(x) + discriminator_logistic(x, x)
    loss.backward()
    # One of softplus(x), softplus(-x) is |x|; the generator's counts once more where x is negative.
    assert float(loss.detach()) == pytest.approx(abs(logit) * (2 if logit < 0 else 1))
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


def test_each_term_pulls_its_own_way() -> None:
    real, fake = torch.zeros(2, requires_grad=True), torch.zeros(2, requires_grad=True)
    discriminator_logistic(real, fake).backward()
    assert real.grad is not None
    assert fake.grad is not None
    assert torch.allclose(real.grad, torch.full((2,), -0.25))
    assert torch.allclose(fake.grad, torch.full((2,), 0.25))


def test_relativistic_losses_are_logistic_losses_of_differences() -> None:
    real, fake = torch.randn(9, dtype=torch.float64) * 3, torch.randn(9, dtype=torch.float64) * 3
    difference = (real - fake).numpy()
    assert float(discriminator_relativistic(real, fake)) == pytest.approx(-np.log(expit(difference)).mean())
    assert float(generator_relativistic(real, fake)) == pytest.approx(-np.log(expit(-difference)).mean())


def test_relativistic_losses_know_differences_alone() -> None:
    real, fake = torch.randn(9), torch.randn(9)
    for loss in (discriminator_relativistic, generator_relativistic):
        assert torch.allclose(loss(real + 5, fake + 5), loss(real, fake), atol=1e-5)


def test_a_real_that_scores_above_its_fake_still_teaches_the_generator() -> None:
    """Where the logistic loss is content with a fake of logit 50, the relativistic one asks what the real beside it has."""
    fake = torch.tensor([50.0], requires_grad=True)
    generator_logistic(fake).backward()
    assert fake.grad is not None
    assert float(fake.grad) == pytest.approx(0, abs=1e-6)
    fake.grad = None
    generator_relativistic(torch.tensor([60.0]), fake).backward()
    assert float(fake.grad) == pytest.approx(-1, abs=1e-3)
