"""Modulated convolution [Karras 2020, section 2.2] as scale-in, one dense convolution, scale-out."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segmint.networks.equalised import ACTIVATION_GAIN, LEAKY_SLOPE, EqualisedLinear
from segmint.networks.resampling import blur


class ModulatedConv(nn.Module):
    """3x3 convolution whose weights are scaled per sample by a style, then normalised (equations 1 and 3).

    Scaling weight w[o, i] by s[i] and dividing by its norm over i is the same as multiplying input channel i by s[i]
    and output channel o by 1 / norm[o]; so one dense convolution serves the whole batch; no grouped weights are built.
    """

    def __init__(self, inputs: int, outputs: int, style_size: int, *, up: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.affine = EqualisedLinear(style_size, inputs, bias_start=1.0)
        self.weight_scale = 1 / math.sqrt(inputs * 9)
        self.up = up

    def forward(self, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        """[N, inputs, H, W], [N, style_size] -> [N, outputs, H', W'] and the scale-out [N, outputs, 1, 1].

        The caller applies the scale-out together with noise and bias.
        """
        weight = self.weight * self.weight_scale
        # Style and norms are small: they stay in float32 where autocast would round them to bf16.
        with torch.autocast(x.device.type, enabled=False):
            style = self.affine(w.to(self.weight.dtype))
            norm = F.linear(style.square(), weight.square().sum(dim=(2, 3)))
            demodulation = torch.rsqrt(norm + 1e-8)[:, :, None, None]
        x = x * style[:, :, None, None].to(x.dtype)
        if self.up:
            # The filter's gain of 4 makes up for the zeros between the samples.
            x = blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), padding=1, gain=4.0)
        else:
            x = F.conv2d(x, weight, padding=1)
        return x, demodulation


class ModulatedProjection(nn.Module):
    """1x1 convolution whose weights are scaled per sample by a style, without normalisation.

    With few outputs, weights of each sample's own are small and one batched product is all; scaling the input, as above,
    would be another pass over it, and two more in the derivative.
    """

    def __init__(self, inputs: int, outputs: int, style_size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 1, 1))
        self.affine = EqualisedLinear(style_size, inputs, bias_start=1.0)
        self.weight_scale = 1 / math.sqrt(inputs)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """[N, inputs, H, W], [N, style_size] -> [N, outputs, H, W]."""
        with torch.autocast(x.device.type, enabled=False):
            style = self.affine(w.to(self.weight.dtype)) * self.weight_scale
            weights = style[:, :, None] * self.weight[:, :, 0, 0].t()
        # Channels last, as x lies in memory, so that its gradient does too.
        pixels = x.permute(0, 2, 3, 1).flatten(1, 2)
        projected = torch.bmm(pixels, weights.to(x.dtype))
        return projected.view(x.shape[0], *x.shape[2:], -1).permute(0, 3, 1, 2)


class StyledLayer(nn.Module):
    """Modulated 3x3 convolution, noise, bias, leaky ReLU: a layer of the synthesis network [Karras 2020, figure 2c]."""

    def __init__(self, inputs: int, outputs: int, style_size: int, resolution: int, *, up: bool = False) -> None:
        super().__init__()
        self.convolution = ModulatedConv(inputs, outputs, style_size, up=up)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.resolution = resolution

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        """`noise` is [N, 1, resolution, resolution], unit variance."""
        x, scale = self.convolution(x, w)
        # The activation's gain is folded into scale, noise and bias (the leaky ReLU is positively homogeneous).
        scale, bias = scale * ACTIVATION_GAIN, self.bias[:, None, None] * ACTIVATION_GAIN
        noise = noise * (self.noise_strength * ACTIVATION_GAIN)
        # All take x's type here, or autocast would go on in float32. Not addcmul, whose derivative makes one more pass.
        x = (x * scale.to(x.dtype)).add_(bias.to(x.dtype)).add_(noise.to(x.dtype))
        return F.leaky_relu(x, LEAKY_SLOPE, inplace=True)


class ToOutput(nn.Module):
    """Modulated projection to the output channels of one resolution [figure 7b]."""

    def __init__(self, inputs: int, outputs: int, style_size: int) -> None:
        super().__init__()
        self.convolution = ModulatedProjection(inputs, outputs, style_size)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, outputs, H, W]."""
        x = self.convolution(x, w)
        return x + self.bias[:, None, None].to(x.dtype)
