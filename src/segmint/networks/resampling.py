"""Resampling by the binomial filter [1, 3, 3, 1] [Karras 2019, section 2; Zhang 2019] in plain torch operations."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def _binomial(x: Tensor, gain: float) -> Tensor:
    """The 4x4 filter as a depthwise weight [C, 1, 4, 4] that sums to `gain`."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], device=x.device, dtype=x.dtype)
    kernel = torch.outer(taps, taps) * (gain / 64)
    return kernel.expand(x.shape[1], 1, 4, 4)


class _Filter(torch.autograd.Function):
    """Depthwise filtering by a constant, whose derivative is said to be its adjoint.

    Left to itself, the second derivative of a depthwise convolution (R1, path length) is computed channel by channel.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: float, stride: int, padding: int) -> Tensor:
        ctx.settings = gain, stride, padding
        return F.conv2d(x, _binomial(x, gain), stride=stride, padding=padding, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        return _FilterAdjoint.apply(gradient, *ctx.settings), None, None, None  # type: ignore[no-untyped-call]


class _FilterAdjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: float, stride: int, padding: int) -> Tensor:
        ctx.settings = gain, stride, padding
        if stride == 1:
            # The filter is symmetric: its adjoint is itself, with the rest of the border.
            return F.conv2d(x, _binomial(x, gain), padding=3 - padding, groups=x.shape[1])
        if x.device.type == "cpu" and x.dtype == torch.bfloat16:
            # No fast kernel there: ten to twenty times as long as with the zeros written out.
            height, width = (stride * (side - 1) + 1 for side in x.shape[2:])
            shape = (*x.shape[:2], height, width)
            spread = torch.empty(shape, dtype=x.dtype, memory_format=torch.channels_last).zero_()
            spread[:, :, ::stride, ::stride] = x
            return F.conv2d(spread, _binomial(x, gain), padding=3 - padding, groups=x.shape[1])
        return F.conv_transpose2d(x, _binomial(x, gain), stride=stride, padding=padding, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        return _Filter.apply(gradient, *ctx.settings), None, None, None  # type: ignore[no-untyped-call]


def blur(x: Tensor, *, padding: int, gain: float = 1.0) -> Tensor:
    """Filter [N, C, H, W] with `padding` zeros on all sides; the size grows by 2 padding - 3."""
    filtered: Tensor = _Filter.apply(x, gain, 1, padding)  # type: ignore[no-untyped-call]
    return filtered


def downsample(x: Tensor) -> Tensor:
    """[N, C, H, W] -> [N, C, H/2, W/2] for even H, W: filter, then keep every second pixel."""
    filtered: Tensor = _Filter.apply(x, 1.0, 2, 1)  # type: ignore[no-untyped-call]
    return filtered


def upsample(x: Tensor) -> Tensor:
    """[N, C, H, W] -> [N, C, 2H, 2W].

    Zero insertion followed by [1, 3, 3, 1] / 4 is bilinear interpolation, but for the border, which is repeated here.
    """
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
