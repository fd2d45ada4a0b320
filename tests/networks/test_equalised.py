from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d

from segmint.networks.equalised import EqualisedConv, EqualisedLinear


def leaky(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.2 * x)


@pytest.mark.parametrize("multiplier", [1.0, 0.01])
def test_stored_weights_are_unit_normal_over_the_multiplier(multiplier: float) -> None:
    weight = EqualisedLinear(300, 200, learning_rate_multiplier=multiplier).weight.detach() * multiplier
    assert float(weight.mean()) == pytest.approx(0, abs=0.02)
    assert float(weight.std()) == pytest.approx(1, abs=0.02)
    # A normal distribution holds 68.3% within one deviation.
    assert float((weight.abs() < 1).float().mean()) == pytest.approx(0.683, abs=0.01)


def test_stored_convolution_weights_are_unit_normal_and_biases_zero() -> None:
    layer = EqualisedConv(40, 60, 3)
    assert layer.bias is not None
    assert float(layer.weight.detach().std()) == pytest.approx(1, abs=0.02)
    assert not layer.bias.detach().any()
    assert EqualisedConv(2, 3, 1, bias=False).bias is None


@pytest.mark.parametrize("multiplier", [1.0, 0.01])
@pytest.mark.parametrize("activation", [False, True])
def test_linear_equals_its_formula(multiplier: float, activation: bool) -> None:
    layer = EqualisedLinear(6, 4, activation=activation, learning_rate_multiplier=multiplier, bias_start=0.5).double()
    x = torch.randn(3, 6, dtype=torch.float64)
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    expected = x.numpy() @ (weight * multiplier / math.sqrt(6)).T + bias * multiplier
    if activation:
        expected = math.sqrt(2) * leaky(expected)
    assert np.allclose(layer(x).detach().numpy(), expected)
    assert np.allclose(bias * multiplier, 0.5)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "activation", "bias"),
    [(1, 1, 0, False, False), (3, 1, 1, True, True), (3, 2, 0, True, True), (3, 1, 0, False, True)],
)
def test_convolution_equals_its_formula(
    *, kernel: int, stride: int, padding: int, activation: bool, bias: bool
) -> None:
    layer = EqualisedConv(3, 2, kernel, stride=stride, padding=padding, activation=activation, bias=bias).double()
    if layer.bias is not None:
        torch.nn.init.normal_(layer.bias)
    x = torch.randn(2, 3, 7, 7, dtype=torch.float64)
    weight = layer.weight.detach().numpy() / math.sqrt(3 * kernel**2)
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    expected = np.array(
        [[sum(correlate2d(sample[i], w[i], mode="valid") for i in range(3)) for w in weight] for sample in padded]
    )[..., ::stride, ::stride]
    if layer.bias is not None:
        expected = expected + layer.bias.detach().numpy()[:, None, None]
    if activation:
        expected = math.sqrt(2) * leaky(expected)
    assert np.allclose(layer(x).detach().numpy(), expected)
    assert np.allclose(layer(x, gain=0.3).detach().numpy(), 0.3 * expected)


def test_activations_keep_the_second_moment() -> None:
    """Scaled by 1 / sqrt(fan-in) and sqrt 2, a unit normal input gives outputs of (almost) unit second moment."""
    x = torch.randn(200, 256)
    assert EqualisedLinear(256, 256)(x).square().mean().item() == pytest.approx(1, abs=0.05)
    # E[leaky(x)^2] = (1 + 0.04) / 2 for unit normal x, times the squared gain of 2.
    activated = EqualisedLinear(256, 256, activation=True)(x)
    assert activated.square().mean().item() == pytest.approx(1.04, abs=0.05)


@pytest.mark.parametrize("multiplier", [1.0, 0.01])
def test_the_multiplier_scales_the_step_of_the_effective_weight(multiplier: float) -> None:
    """Adam's first step is rate * sign(gradient) of the stored weight; in use that is rate * multiplier / sqrt(fan-in)."""
    layer = EqualisedLinear(16, 1, learning_rate_multiplier=multiplier)
    before = (layer.weight * layer.weight_scale).detach().clone()
    layer(torch.ones(1, 16)).sum().backward()
    with torch.no_grad():
        for parameter in layer.parameters():
            assert parameter.grad is not None
            parameter -= 0.1 * parameter.grad.sign()
    moved = before - (layer.weight * layer.weight_scale).detach()
    assert torch.allclose(moved, torch.full_like(moved, 0.1 * multiplier / 4), rtol=1e-3)
    assert float(layer.bias.detach() * layer.bias_scale) == pytest.approx(-0.1 * multiplier, rel=1e-3)
