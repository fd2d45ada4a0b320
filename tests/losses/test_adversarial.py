from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import expit

from segmint.losses.adversarial import discriminator_logistic, generator_logistic


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
