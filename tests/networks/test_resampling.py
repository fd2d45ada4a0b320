from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from segmint.networks.resampling import blur, downsample, upsample

TAPS = np.array([1.0, 3.0, 3.0, 1.0])
FILTER = np.outer(TAPS, TAPS) / 64


def each_map(function: Callable[[np.ndarray], np.ndarray], x: Tensor) -> np.ndarray:
    """Apply a function of one map to every map of [N, C, H, W]."""
    return np.stack([np.stack([function(plane) for plane in sample]) for sample in x.numpy()])


def zero_insertion(plane: np.ndarray) -> np.ndarray:
    spread = np.zeros((2 * plane.shape[0], 2 * plane.shape[1]))
    spread[::2, ::2] = plane
    return spread


@pytest.mark.parametrize("padding", [0, 1, 2, 3])
@pytest.mark.parametrize("gain", [1.0, 4.0])
def test_blur_is_a_zero_padded_convolution_with_the_binomial_filter(padding: int, gain: float) -> None:
    x = torch.randn(2, 3, 6, 9, dtype=torch.float64)
    expected = each_map(lambda plane: gain * convolve2d(np.pad(plane, padding), FILTER, mode="valid"), x)
    result = blur(x, padding=padding, gain=gain)
    assert result.shape == (2, 3, 6 + 2 * padding - 3, 9 + 2 * padding - 3)
    assert np.allclose(result.numpy(), expected)


def test_downsample_filters_then_keeps_every_second_pixel() -> None:
    x = torch.randn(2, 3, 8, 6, dtype=torch.float64)
    expected = each_map(lambda plane: convolve2d(np.pad(plane, 1), FILTER, mode="valid")[::2, ::2], x)
    result = downsample(x)
    assert result.shape == (2, 3, 4, 3)
    assert np.allclose(result.numpy(), expected)


def test_upsample_is_zero_insertion_and_filter_with_repeated_border() -> None:
    x = torch.randn(2, 3, 5, 4, dtype=torch.float64)

    def reference(plane: np.ndarray) -> np.ndarray:
        spread = zero_insertion(np.pad(plane, 1, mode="edge"))
        filtered = convolve2d(spread, 4 * FILTER, mode="full")[1:-2, 1:-2]
        return filtered[2:-2, 2:-2]

    result = upsample(x)
    assert result.shape == (2, 3, 10, 8)
    assert np.allclose(result.numpy(), each_map(reference, x))
    # Away from the border this is plain zero insertion, where the outside counts as zero.
    zeros_outside = each_map(lambda plane: convolve2d(zero_insertion(plane), 4 * FILTER, mode="full")[1:-2, 1:-2], x)
    assert np.allclose(result.numpy()[..., 1:-1, 1:-1], zeros_outside[..., 1:-1, 1:-1])
    assert not np.allclose(result.numpy()[..., 0, :], zeros_outside[..., 0, :])


def test_constants_pass_unchanged() -> None:
    x = torch.full((1, 2, 8, 8), 0.7)
    assert torch.allclose(blur(x, padding=1)[..., 1:-1, 1:-1], x[..., :5, :5])
    assert torch.allclose(downsample(x)[..., 1:-1, 1:-1], x[..., :2, :2])
    assert torch.allclose(upsample(x), torch.full((1, 2, 16, 16), 0.7))


def test_the_finest_checkerboard_is_removed() -> None:
    """The binomial filter is zero at the Nyquist frequency, which is what it is for."""
    rows, columns = torch.meshgrid(torch.arange(10), torch.arange(10), indexing="ij")
    checkerboard = ((-1.0) ** (rows + columns))[None, None]
    assert downsample(checkerboard)[..., 1:-1, 1:-1].abs().max() < 1e-6


@pytest.mark.parametrize(
    "operation",
    [partial(blur, padding=1, gain=4.0), partial(blur, padding=2), downsample, upsample],
    ids=["blur up", "blur down", "downsample", "upsample"],
)
def test_first_and_second_derivatives(operation: Callable[[Tensor], Tensor]) -> None:
    x = torch.randn(1, 2, 4, 2, dtype=torch.float64, requires_grad=True)
    assert gradcheck(operation, (x,))
    # A square makes the second derivative depend on the input.
    assert gradgradcheck(lambda value: operation(value).square(), (x,))


def test_gradient_keeps_its_precision_under_autocast() -> None:
    x = torch.randn(1, 2, 8, 8, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        filtered = blur(x, padding=1)
    filtered.sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == torch.float32
    assert torch.allclose(x.grad[..., 2:-2, 2:-2], torch.ones(1, 2, 4, 4))


@pytest.mark.parametrize("operation", [partial(blur, padding=1, gain=4.0), partial(blur, padding=2), downsample])
def test_derivatives_in_bf16_are_those_in_float32(operation: Callable[[Tensor], Tensor]) -> None:
    """They take other ways there, for speed."""
    gradients = []
    for dtype in (torch.float32, torch.bfloat16):
        x = torch.randn(2, 3, 8, 6, generator=torch.Generator().manual_seed(0)).to(dtype).requires_grad_()
        y = operation(x)
        along = torch.randn(y.shape, generator=torch.Generator().manual_seed(1)).bfloat16().to(dtype)
        (gradient,) = torch.autograd.grad(y, x, along)
        assert gradient.dtype == dtype
        gradients.append(gradient.float())
    assert torch.allclose(*gradients, atol=0.05)
