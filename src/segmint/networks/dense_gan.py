"""Fully connected generator and discriminator of masks [Paired GAN 2023, VessGAN].

The source gives the layers but not their widths, the latent's size or the dropout's rate: these are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segmint.networks.convolution import LEAKY_SLOPE
from segmint.networks.dropout import apply_keep, draw_keep_batch
from segmint.networks.style_discriminator import minibatch_standard_deviation

GENERATOR_WIDTHS = (128, 256, 512, 1024)
DISCRIMINATOR_WIDTHS = (1024, 512, 256, 128)
LATENT_SIZE = 100
DenseNorm = Literal["none", "batch", "layer"]
DROPOUT_RATE = 0.3


class DenseGenerator(nn.Module):
    """Noise, four hidden blocks (linear, leaky ReLU), a last linear layer and tanh.

    Args:
        size: side of the mask in pixels; the last layer has channels * size^2 outputs, so it should be small.
        channels: 1 for a binary mask (object where positive), K for one map a label.
        norm: after each hidden linear layer; in evaluation mode no sample depends on another, whichever it is.
    """

    def __init__(
        self,
        *,
        size: int,
        channels: int = 1,
        latent_size: int = LATENT_SIZE,
        widths: Sequence[int] = GENERATOR_WIDTHS,
        slope: float = LEAKY_SLOPE,
        norm: DenseNorm = "none",
    ) -> None:
        super().__init__()
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise((latent_size, *widths)))
        self.norms = nn.ModuleList(_norm(norm, width) for width in widths)
        self.last = nn.Linear(widths[-1], channels * size * size)
        self.size, self.channels, self.latent_size, self.slope = size, channels, latent_size, slope

    def draw_latents(self, generators: Sequence[torch.Generator], device: torch.device) -> Tensor:
        """Unit normal [N, latent_size]; row i comes from generator i alone."""
        return torch.stack([torch.randn(self.latent_size, generator=g, device=g.device) for g in generators]).to(device)

    def forward(self, z: Tensor) -> Tensor:
        """[N, latent_size] -> [N, channels, size, size] in [-1, 1], float32."""
        for layer, norm in zip(self.hidden, self.norms, strict=True):
            z = F.leaky_relu(norm(layer(z)), self.slope)
        return torch.tanh(self.last(z).float()).view(-1, self.channels, self.size, self.size)


def _norm(kind: DenseNorm, width: int) -> nn.Module:
    if kind == "none":
        return nn.Identity()
    return nn.BatchNorm1d(width) if kind == "batch" else nn.LayerNorm(width)


class DenseDiscriminator(nn.Module):
    """Four hidden blocks (linear, dropout, leaky ReLU) and one logit, of which the sigmoid is the published output.

    Args:
        minibatch_deviation: the logit sees how much the samples of the batch differ, too [Karras 2018, section 3].
    """

    def __init__(
        self,
        *,
        size: int,
        channels: int = 1,
        widths: Sequence[int] = DISCRIMINATOR_WIDTHS,
        dropout: float = DROPOUT_RATE,
        slope: float = LEAKY_SLOPE,
        minibatch_deviation: bool = False,
    ) -> None:
        super().__init__()
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise((channels * size * size, *widths)))
        self.last = nn.Linear(widths[-1] + minibatch_deviation, 1)
        self.minibatch_deviation = minibatch_deviation
        self.widths, self.dropout, self.slope = tuple(widths), dropout, slope

    def draw_keep(self, n: int, generator: torch.Generator, device: torch.device) -> list[Tensor]:
        """Dropout masks [n, width] of 0 and 1, one for each hidden block."""
        return draw_keep_batch([(width,) for width in self.widths], self.dropout, n, generator, device)

    def forward(self, x: Tensor, keep: Sequence[Tensor]) -> Tensor:
        """[N, channels, size, size] -> [N] logits, float32.

        Args:
            keep: masks as `draw_keep` gives them; none at all for no dropout.
        """
        if len(keep) not in (0, len(self.hidden)):
            raise ValueError(f"{len(keep)} dropout masks for {len(self.hidden)} hidden blocks")
        x = x.flatten(1)
        for i, layer in enumerate(self.hidden):
            x = layer(x)
            x = F.leaky_relu(apply_keep(x, keep[i], self.dropout) if keep else x, self.slope)
        if self.minibatch_deviation:
            x = minibatch_standard_deviation(x[..., None, None])[..., 0, 0]
        logits: Tensor = self.last(x).float()
        return logits[:, 0]
