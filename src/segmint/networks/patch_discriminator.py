"""PatchGAN discriminator [Isola 2017, section 3.2.2 and appendix 6.1.2]."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segmint.networks.convolution import LEAKY_SLOPE, convolution
from segmint.networks.normalisation import Norm, normalisation
from segmint.networks.self_attention import SelfAttention

KERNEL = 4
WIDTHS = (64, 128, 256, 512)
# C64-C128-C256-C512 and a last convolution: patches of 70x70 pixels.
STRIDES_70 = (2, 2, 2, 1)
# Vess2Image: four blocks that all halve, and a last convolution: patches of 94x94 pixels.
STRIDES_FOUR_HALVINGS = (2, 2, 2, 2)


class PatchBlock(nn.Module):
    """4x4 convolution, normalisation, leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, norm: Norm, spectral: bool) -> None:
        super().__init__()
        self.convolution = convolution(
            inputs, outputs, KERNEL, stride=stride, padding=1, bias=norm == "none", spectral=spectral
        )
        self.normalisation = normalisation(outputs, norm)

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, outputs, h, w]."""
        return F.leaky_relu(self.normalisation(self.convolution(x)), LEAKY_SLOPE, inplace=True)


class PatchDiscriminator(nn.Module):
    """Judges every patch of [N, channels, H, W] (condition and image concatenated) with one logit.

    The first block is not normalised. A last 4x4 convolution of stride 1 gives the logits.

    Args:
        widths, strides: of each block; `width` is a factor on all widths.
        norm: "batch" always uses the statistics of the batch in training mode; see `Normalisation`.
        attention: numbers of the blocks (from 0) whose output passes through self-attention.
    """

    def __init__(
        self,
        *,
        channels: int,
        widths: Sequence[int] = WIDTHS,
        strides: Sequence[int] = STRIDES_70,
        width: float = 1.0,
        norm: Norm = "batch",
        attention: Sequence[int] = (),
        spectral: bool = False,
    ) -> None:
        super().__init__()
        if len(widths) != len(strides):
            raise ValueError(f"{len(widths)} widths and {len(strides)} strides: each block needs one of both")
        if not set(attention) <= set(range(len(widths))):
            raise ValueError(f"attention after blocks {list(attention)}: there are blocks 0 to {len(widths) - 1}")
        widths = [max(round(maps * width), 1) for maps in widths]
        norms: list[Norm] = ["none", *[norm] * (len(widths) - 1)]
        self.blocks = nn.ModuleList(
            PatchBlock(a, b, stride=stride, norm=kind, spectral=spectral)
            for (a, b), stride, kind in zip(pairwise((channels, *widths)), strides, norms, strict=True)
        )
        self.last = convolution(widths[-1], 1, KERNEL, padding=1, spectral=spectral)
        self.attention = nn.ModuleDict({str(i): SelfAttention(widths[i], spectral=spectral) for i in attention})
        self.strides = (*strides, 1)

    @property
    def receptive_field(self) -> int:
        """Side in pixels of the patch that one logit sees."""
        field = 1
        for stride in reversed(self.strides):
            field = (field - 1) * stride + KERNEL
        return field

    def logit_side(self, side: int) -> int:
        """Side of the map of logits for an image of `side` pixels; below 1 the image is too small."""
        for stride in self.strides:
            side = (side + 2 - KERNEL) // stride + 1
        return side

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits [N, 1, h, w], float32, and the output of each block, from the image inwards."""
        x = x.contiguous(memory_format=torch.channels_last)
        features = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if str(i) in self.attention:
                x = self.attention[str(i)](x)
            features.append(x)
        return self.last(x).float(), features
