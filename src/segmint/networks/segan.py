"""Segmentor and critic of SegAN [Xue 2018, section 2], with global convolutions [Peng 2017]."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segmint.networks.convolution import LEAKY_SLOPE, START_DEVIATION, convolution
from segmint.networks.normalisation import Norm, normalisation
from segmint.networks.self_attention import SelfAttention

# Of each block that halves, from the image inwards.
WIDTHS = (64, 128, 256, 512)
KERNELS = (7, 5, 5, 5)
GLOBAL_KERNEL = 9
# The lowest feature maps keep at least this side.
LOWEST_SIDE = 4
# Self-attention works on the feature maps at a quarter of the size, those of the second block.
ATTENTION_LEVEL = 1


def block_count(size: int) -> int:
    """How often an image of `size` pixels is halved: four times as published, less often where it is small.

    Raises:
        ValueError: it cannot be halved twice.
    """
    if size < 4 * LOWEST_SIDE:
        raise ValueError(f"size must be at least {4 * LOWEST_SIDE} pixels, not {size}")
    return min(len(WIDTHS), (size // LOWEST_SIDE).bit_length() - 1)


def block_widths(size: int, width: float) -> list[int]:
    """Feature maps of each block that halves: the first of the published ones, times `width`."""
    return [max(round(maps * width), 1) for maps in WIDTHS[: block_count(size)]]


class GlobalConvolution(nn.Module):
    """A large kernel in separable halves, k x 1 then 1 x k, and 1 x k then k x 1, summed [Peng 2017, section 3.1]."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool) -> None:
        super().__init__()
        self.tall_flat = nn.Sequential(
            _strip(inputs, outputs, tall=True, bias=bias),
            _strip(outputs, outputs, tall=False, bias=bias),
        )
        self.flat_tall = nn.Sequential(
            _strip(inputs, outputs, tall=False, bias=bias),
            _strip(outputs, outputs, tall=True, bias=bias),
        )

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, outputs, H, W]."""
        result: Tensor = self.tall_flat(x) + self.flat_tall(x)
        return result


def _strip(inputs: int, outputs: int, *, tall: bool, bias: bool) -> nn.Module:
    kernel = (GLOBAL_KERNEL, 1) if tall else (1, GLOBAL_KERNEL)
    layer = nn.Conv2d(inputs, outputs, kernel, padding=(kernel[0] // 2, kernel[1] // 2), bias=bias)
    nn.init.normal_(layer.weight, std=START_DEVIATION)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _segmentor_norm(channels: int, kind: Literal["batch", "instance"]) -> nn.Module:
    # Running statistics in evaluation mode, as the paper's: a slice's own would tell of what it lacks.
    return nn.BatchNorm2d(channels) if kind == "batch" else normalisation(channels, kind)


class NormalisedLayer(nn.Module):
    """A layer, normalisation, leaky ReLU."""

    def __init__(self, layer: nn.Module, norm: nn.Module) -> None:
        super().__init__()
        self.layer, self.norm = layer, norm

    def forward(self, x: Tensor) -> Tensor:
        """Shape as the layer gives it."""
        return F.leaky_relu(self.norm(self.layer(x)), LEAKY_SLOPE)


class ResidualBlock(nn.Module):
    """leaky ReLU(x + f(x)), f two 3x3 convolutions with normalisation [He 2016]."""

    def __init__(self, channels: int, *, norm: Literal["batch", "instance"]) -> None:
        super().__init__()
        self.first = NormalisedLayer(
            convolution(channels, channels, 3, padding=1, bias=False), _segmentor_norm(channels, norm)
        )
        self.second = convolution(channels, channels, 3, padding=1, bias=False)
        self.norm = _segmentor_norm(channels, norm)

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, H, W], same shape out."""
        return F.leaky_relu(x + self.norm(self.second(self.first(x))), LEAKY_SLOPE)


class Segmentor(nn.Module):
    """Encoder and decoder with skips; takes images of any sides from 16 pixels on.

    Down: strided convolution and residual block. Up: bilinear resizing to the skip's size, skip concatenated, global
    convolution and residual block. The image itself is the last skip.

    Args:
        size: side of the training images, which gives the number of blocks; inputs: image channels; outputs: channels out.
        width: factor on the published widths.
        norm: "batch" with running statistics, or "instance".
        attention: self-attention on the decoder's feature maps at a quarter of the size.

    Raises:
        ValueError: `size` is too small.
    """

    def __init__(
        self,
        *,
        size: int,
        inputs: int,
        outputs: int,
        width: float = 1.0,
        norm: Literal["batch", "instance"] = "batch",
        attention: bool = False,
    ) -> None:
        super().__init__()
        widths = block_widths(size, width)
        self.down = nn.ModuleList(
            nn.Sequential(
                NormalisedLayer(
                    convolution(a, b, kernel, stride=2, padding=kernel // 2, bias=False), _segmentor_norm(b, norm)
                ),
                ResidualBlock(b, norm=norm),
            )
            for (a, b), kernel in zip(pairwise((inputs, *widths)), KERNELS[: len(widths)], strict=True)
        )
        self.up = nn.ModuleList(
            nn.Sequential(
                NormalisedLayer(GlobalConvolution(b + a, a, bias=False), _segmentor_norm(a, norm)),
                ResidualBlock(a, norm=norm),
            )
            for a, b in reversed(list(pairwise(widths)))
        )
        # After the block of `up` that reaches the second block's size; the bottleneck is that size where there are two.
        self.attention_after = len(widths) - 2 - ATTENTION_LEVEL
        self.attention = SelfAttention(widths[ATTENTION_LEVEL]) if attention else nn.Identity()
        self.blend = NormalisedLayer(
            convolution(widths[0] + inputs, widths[0], 3, padding=1, bias=False), _segmentor_norm(widths[0], norm)
        )
        self.last = convolution(widths[0], outputs, 1)
        # As large as the published N(0, 0.02) in the widest layers, larger in narrow ones, which would otherwise start slowly.
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, a=LEAKY_SLOPE)

    def start_at(self, value: float) -> None:
        """Let an untrained network's outputs, after a sigmoid, lie about `value`, between 0 and 1."""
        nn.init.constant_(self.last.get_parameter("bias"), math.log(value / (1 - value)))

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs, H, W] -> logits [N, outputs, H, W], float32."""
        image = x.contiguous(memory_format=torch.channels_last)
        skips, x = [], image
        for block in self.down:
            x = block(x)
            skips.append(x)
        x = skips.pop()
        if self.attention_after < 0:
            x = self.attention(x)
        for i, block in enumerate(self.up):
            x = block(_beside(x, skips.pop()))
            if i == self.attention_after:
                x = self.attention(x)
        logits: Tensor = self.last(self.blend(_beside(x, image))).float()
        return logits


def _beside(x: Tensor, skip: Tensor) -> Tensor:
    resized = F.interpolate(x, size=skip.shape[2:], mode="bilinear", align_corners=False)
    return torch.cat([resized, skip.to(resized.dtype)], dim=1)


class Critic(nn.Module):
    """Features of masked images at every scale, and no verdict [Xue 2018, section 2.1].

    Each block halves: strided convolution, leaky ReLU, global convolution, leaky ReLU, normalised but for the first layer.

    Args:
        size: side of the training images; channels: of the masked images, all labels' copies concatenated.
        width: factor on the published widths.
        norm: "batch" always uses the statistics of the batch in training mode; see `Normalisation`.
        attention: self-attention after the second block.

    Raises:
        ValueError: `size` is too small.
    """

    def __init__(
        self,
        *,
        size: int,
        channels: int,
        width: float = 1.0,
        norm: Norm = "batch",
        attention: bool = False,
    ) -> None:
        super().__init__()
        widths = block_widths(size, width)
        norms: list[Norm] = ["none", *[norm] * (len(widths) - 1)]
        self.blocks = nn.ModuleList(
            nn.Sequential(
                NormalisedLayer(
                    convolution(a, b, kernel, stride=2, padding=kernel // 2, bias=first == "none"),
                    normalisation(b, first),
                ),
                NormalisedLayer(GlobalConvolution(b, b, bias=norm == "none"), normalisation(b, norm)),
            )
            for (a, b), kernel, first in zip(pairwise((channels, *widths)), KERNELS[: len(widths)], norms, strict=True)
        )
        self.attention = SelfAttention(widths[ATTENTION_LEVEL]) if attention else nn.Identity()

    def forward(self, x: Tensor) -> list[Tensor]:
        """[N, channels, H, W] -> that itself, the first scale, and each block's output."""
        features = [x]
        x = x.contiguous(memory_format=torch.channels_last)
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i == ATTENTION_LEVEL:
                x = self.attention(x)
            features.append(x)
        return features
