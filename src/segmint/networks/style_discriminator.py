"""Residual discriminator of StyleGAN2 [Karras 2020, figure 7c] with minibatch standard deviation [Karras 2018]."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from segmint.networks.equalised import EqualisedConv, EqualisedLinear
from segmint.networks.resampling import blur, downsample
from segmint.networks.style_generator import feature_width


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, the second with stride 2, beside a filtered 1x1 skip; the sum is scaled by 1 / sqrt 2."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = EqualisedConv(inputs, inputs, 3, padding=1, activation=True)
        self.second = EqualisedConv(inputs, outputs, 3, stride=2, activation=True)
        self.skip = EqualisedConv(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, outputs, H/2, W/2]."""
        skip: Tensor = self.skip(downsample(x), gain=math.sqrt(0.5))
        x = self.second(blur(self.first(x), padding=2), gain=math.sqrt(0.5))
        return x + skip


def minibatch_standard_deviation(x: Tensor, group_size: int = 4) -> Tensor:
    """Append one map: deviation over groups of samples, averaged over channels and pixels [Karras 2018, section 3].

    Groups are made of samples N / group_size apart, so that neighbours in the batch fall into different groups. A batch
    that the group size does not divide uses the largest divisor below it.
    """
    n, _, height, width = x.shape
    group = next(g for g in range(min(group_size, n), 0, -1) if n % g == 0)
    grouped = x.float().reshape(group, n // group, *x.shape[1:])
    deviation = (grouped.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    column = deviation.repeat(group)[:, None, None, None].expand(n, 1, height, width)
    return torch.cat([x, column.to(x.dtype)], dim=1)


class StyleDiscriminator(nn.Module):
    """Judges [N, channels, size, size] (image channels and label maps concatenated) with one logit a sample."""

    def __init__(self, *, size: int, channels: int, width_base: int = 32768, width_maximum: int = 512) -> None:
        super().__init__()
        resolutions = [2**exponent for exponent in range(size.bit_length() - 1, 1, -1)]
        widths = [feature_width(r, base=width_base, maximum=width_maximum) for r in resolutions]
        self.from_input = EqualisedConv(channels, widths[0], 1, activation=True)
        self.blocks = nn.Sequential(*(ResidualBlock(a, b) for a, b in pairwise(widths)))
        self.last = EqualisedConv(widths[-1] + 1, widths[-1], 3, padding=1, activation=True)
        self.dense = EqualisedLinear(widths[-1] * 16, widths[-1], activation=True)
        self.logit = EqualisedLinear(widths[-1], 1)

    def features(self, x: Tensor) -> list[Tensor]:
        """[N, channels, size, size] -> what each residual block gives, from size / 2 down to 4 pixels a side."""
        x = self.from_input(x.contiguous(memory_format=torch.channels_last))
        found = []
        for block in self.blocks:
            x = block(x)
            found.append(x)
        return found

    def forward(self, x: Tensor) -> Tensor:
        """[N, channels, size, size] -> [N] logits, float32 (the last layers always run in float32)."""
        x = self.blocks(self.from_input(x.contiguous(memory_format=torch.channels_last)))
        with torch.autocast(x.device.type, enabled=False):
            x = self.last(minibatch_standard_deviation(x.float()))
            logits: Tensor = self.logit(self.dense(x.flatten(1)))
        return logits[:, 0]
