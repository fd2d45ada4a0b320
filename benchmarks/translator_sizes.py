"""The sizes that both pix2pix are built with, and the settings of its training [Isola 2017]."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# [Isola 2017, section 3.3 and appendix 6.2].
LEARNING_RATE = 2e-4
BETAS = (0.5, 0.999)
L1_WEIGHT = 100.0
# The discriminator's loss is halved.
DISCRIMINATOR_WEIGHT = 0.5
DROPOUT = 0.5
PUBLISHED_FILTERS = 64


@dataclass(frozen=True)
class TranslatorSizes:
    """Sizes of networks and batch.

    Attributes:
        size: side of the square images, pixels.
        label_maps: ids of the mask, one channel each; image_channels: of what is painted.
        filters: feature maps of the first convolution of each network, 64 as published.
        batch: images a step.
    """

    size: int
    label_maps: int
    image_channels: int
    filters: int
    batch: int

    def examples(self, seed: int) -> tuple[Tensor, Tensor]:
        """One batch of noise as data: labels int64 [N, S, S] and images float32 [N, C, S, S] in [-1, 1]."""
        generator = torch.Generator().manual_seed(seed)
        labels = torch.randint(self.label_maps, (self.batch, self.size, self.size), generator=generator)
        shape = (self.batch, self.image_channels, self.size, self.size)
        return labels, torch.randn(shape, generator=generator).clamp(-1, 1)

    def one_hot(self, labels: Tensor) -> Tensor:
        """[N, S, S] -> float32 [N, K, S, S]."""
        return F.one_hot(labels, self.label_maps).movedim(-1, 1).float().contiguous()


@dataclass(frozen=True)
class Contestant:
    """One training step to run, and how many parameters each of its networks has."""

    step: Callable[[], None]
    parameters: dict[str, int]


def count_parameters(network: nn.Module) -> int:
    """All that is learnt."""
    return sum(parameter.numel() for parameter in network.parameters())
