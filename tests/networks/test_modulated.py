from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d, correlate2d

from segmint.networks.modulated import ModulatedConv, ModulatedProjection, StyledLayer, ToOutput

STYLE = 5
TAPS = np.array([1.0, 3.0, 3.0, 1.0])


def styles_of(layer: ModulatedConv | ModulatedProjection, w: torch.Tensor) -> np.ndarray:
    weight, bias = layer.affine.weight.detach().numpy(), layer.affine.bias.detach().numpy()
    return w.numpy() @ weight.T / math.sqrt(STYLE) + bias


def per_sample_convolution(layer: ModulatedConv | ModulatedProjection, x: torch.Tensor, w: torch.Tensor) -> np.ndarray:
    """Equations 1 to 3 as they are printed: each sample has weights of its own."""
    kernels = layer.weight.detach().numpy() * layer.weight_scale
    outputs = []
    for sample, style in zip(x.numpy(), styles_of(layer, w), strict=True):
        modulated = style[None, :, None, None] * kernels
        if isinstance(layer, ModulatedConv):
            modulated = modulated / np.sqrt((modulated**2).sum(axis=(1, 2, 3), keepdims=True) + 1e-8)
        up = isinstance(layer, ModulatedConv) and layer.up
        outputs.append([convolve_maps(sample, kernel, up=up) for kernel in modulated])
    return np.array(outputs)


def convolve_maps(sample: np.ndarray, kernel: np.ndarray, *, up: bool) -> np.ndarray:
    """Sum over input channels of [C, H, W] with [C, k, k], same size or doubled."""
    if not up:
        return sum(correlate2d(plane, taps, mode="same") for plane, taps in zip(sample, kernel, strict=True))
    result = 0
    for plane, taps in zip(sample, kernel, strict=True):
        spread = np.zeros((2 * plane.shape[0] - 1, 2 * plane.shape[1] - 1))
        spread[::2, ::2] = plane
        # The transposed convolution is a true convolution of the zero-inserted map; then the low-pass filter, cropped.
        filtered = convolve2d(convolve2d(spread, taps), np.outer(TAPS, TAPS) / 16)
        result = result + filtered[2:-2, 2:-2]
    return result


@pytest.mark.parametrize("up", [False, True], ids=["same", "up"])
def test_scaling_in_and_out_equals_weights_made_for_each_sample(*, up: bool) -> None:
    layer = ModulatedConv(3, 4, STYLE, up=up).double()
    x, w = torch.randn(3, 3, 4, 6, dtype=torch.float64), torch.randn(3, STYLE, dtype=torch.float64)
    result, scale = layer(x, w)
    assert result.shape[2:] == ((8, 12) if up else (4, 6))
    assert np.allclose((result * scale).detach().numpy(), per_sample_convolution(layer, x, w), atol=1e-10)


def test_a_projection_has_weights_made_for_each_sample_and_keeps_the_layout() -> None:
    layer = ModulatedProjection(3, 4, STYLE).double()
    x, w = torch.randn(3, 3, 4, 6, dtype=torch.float64), torch.randn(3, STYLE, dtype=torch.float64)
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    result = layer(x, w)
    assert np.allclose(result.detach().numpy(), per_sample_convolution(layer, x.detach(), w), atol=1e-10)
    (gradient,) = torch.autograd.grad(result.square().sum(), x)
    for tensor in (result, gradient):
        assert tensor.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("up", [False, True], ids=["same", "up"])
def test_a_styled_layer_adds_noise_and_bias_then_activates(*, up: bool) -> None:
    layer = StyledLayer(3, 4, STYLE, 8 if up else 4, up=up).double()
    with torch.no_grad():
        layer.noise_strength.fill_(0.7)
        layer.bias.normal_()
    x, w = torch.randn(2, 3, 4, 4, dtype=torch.float64), torch.randn(2, STYLE, dtype=torch.float64)
    noise = torch.randn(2, 1, layer.resolution, layer.resolution, dtype=torch.float64)
    expected = per_sample_convolution(layer.convolution, x, w) + 0.7 * noise.numpy()
    expected = expected + layer.bias.detach().numpy()[:, None, None]
    expected = math.sqrt(2) * np.where(expected > 0, expected, 0.2 * expected)
    assert np.allclose(layer(x, w, noise).detach().numpy(), expected, atol=1e-10)


def test_the_noise_is_off_and_the_style_is_one_at_the_start() -> None:
    layer = StyledLayer(3, 4, STYLE, 4)
    x, w = torch.randn(2, 3, 4, 4), torch.randn(2, STYLE)
    assert torch.equal(layer(x, w, torch.randn(2, 1, 4, 4)), layer(x, w, torch.zeros(2, 1, 4, 4)))
    style = layer.convolution.affine(torch.zeros(1, STYLE))
    assert torch.equal(style, torch.ones(1, 3))


def test_output_of_a_resolution_is_modulated_only() -> None:
    layer = ToOutput(3, 2, STYLE).double()
    torch.nn.init.normal_(layer.bias)
    x, w = torch.randn(2, 3, 5, 5, dtype=torch.float64), torch.randn(2, STYLE, dtype=torch.float64)
    expected = per_sample_convolution(layer.convolution, x, w) + layer.bias.detach().numpy()[:, None, None]
    assert np.allclose(layer(x, w).detach().numpy(), expected, atol=1e-10)


def test_demodulation_gives_unit_deviation_whatever_the_style() -> None:
    """Its purpose, under its own assumption of independent unit inputs [section 2.2]."""
    layer = ModulatedConv(16, 8, STYLE)
    result, scale = layer(torch.randn(4, 16, 40, 40), 10 * torch.randn(4, STYLE))
    deviations = (result * scale)[..., 1:-1, 1:-1].std(dim=(2, 3))
    assert torch.allclose(deviations, torch.ones(4, 8), atol=0.1)


def test_samples_do_not_see_each_other() -> None:
    layer = ModulatedConv(3, 4, STYLE, up=True)
    x, w = torch.randn(3, 3, 4, 4), torch.randn(3, STYLE)
    whole, whole_scale = layer(x, w)
    alone, alone_scale = layer(x[1:2], w[1:2])
    assert torch.allclose(whole[1:2] * whole_scale[1:2], alone * alone_scale, atol=1e-6)


def test_style_and_norm_stay_in_float32_under_autocast() -> None:
    layer = ModulatedConv(16, 8, STYLE)
    x, w = torch.randn(2, 16, 4, 4), torch.randn(2, STYLE)
    _, expected = layer(x, w)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result, scale = layer(x, w)
        _, from_half = layer(x, w.bfloat16())
    assert result.dtype == torch.bfloat16
    assert torch.equal(scale, expected)
    assert torch.allclose(from_half, expected, rtol=0.02)


@pytest.mark.parametrize("up", [False, True], ids=["same", "up"])
def test_derivatives_and_their_derivatives(*, up: bool) -> None:
    layer = StyledLayer(2, 1, 2, 4 if up else 2, up=up).double()
    torch.nn.init.ones_(layer.noise_strength)
    x = torch.randn(1, 2, 2, 2, dtype=torch.float64, requires_grad=True)
    w = torch.randn(1, 2, dtype=torch.float64, requires_grad=True)
    noise = torch.randn(1, 1, layer.resolution, layer.resolution, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda a, b: layer(a, b, noise), (x, w))
    assert torch.autograd.gradgradcheck(lambda a, b: layer(a, b, noise), (x, w))


def test_derivatives_of_an_output_and_their_derivatives() -> None:
    layer = ToOutput(2, 2, 2).double()
    x = torch.randn(1, 2, 2, 3, dtype=torch.float64, requires_grad=True)
    w = torch.randn(1, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x, w))
    assert torch.autograd.gradgradcheck(layer, (x, w))
