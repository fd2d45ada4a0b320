"""Encoder from an image to one style a layer (W+), by a feature pyramid [Lin 2017; Richardson 2021, section 3; Li 2021]."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segmint.networks.equalised import EqualisedConv, EqualisedLinear
from segmint.networks.resampling import upsample
from segmint.networks.style_discriminator import ResidualBlock
from segmint.networks.style_generator import feature_width

# Sides of the pyramid's levels, as fractions of the image's, from coarse to fine; none is below SMALLEST.
FRACTIONS, SMALLEST = (16, 8, 4), 4


class StyleHead(nn.Module):
    """One level of the pyramid -> the styles that are read there."""

    def __init__(self, width: int, side: int, *, styles: int, style_size: int) -> None:
        super().__init__()
        halvings = (side // SMALLEST).bit_length() - 1
        self.smooth = EqualisedConv(width, width, 3, padding=1, activation=True)
        self.shrink = nn.Sequential(
            *(EqualisedConv(width, width, 3, stride=2, padding=1, activation=True) for _ in range(halvings))
        )
        self.linear = EqualisedLinear(width * SMALLEST**2, styles * style_size)
        # An untrained encoder gives the mean latent.
        nn.init.zeros_(self.linear.weight)
        self.styles = styles

    def forward(self, x: Tensor) -> Tensor:
        """[N, width, side, side] -> [N, styles, style_size]."""
        flat: Tensor = self.linear(self.shrink(self.smooth(x)).flatten(1))
        return flat.reshape(len(x), self.styles, -1)


class StyleEncoder(nn.Module):
    """Residual blocks down to 4 x 4, a top-down pathway of up to three levels, and a head at each.

    Coarse layers' styles are read at the coarsest level, fine ones' at the finest.

    Args:
        size: side of the images, a power of two of at least 16; channels: C.
        style_resolutions: of each styled layer, in order; one more style, for the last output, is read with the finest.
        pyramid_width: feature maps of the pathway.
    """

    def __init__(
        self,
        *,
        size: int,
        channels: int,
        style_resolutions: Sequence[int],
        style_size: int,
        width_base: int,
        width_maximum: int,
        pyramid_width: int,
    ) -> None:
        super().__init__()
        sides = [2**exponent for exponent in range(size.bit_length() - 1, 1, -1)]
        widths = [feature_width(side, base=width_base, maximum=width_maximum) for side in sides]
        self.from_input = EqualisedConv(channels, widths[0], 1, activation=True)
        self.blocks = nn.ModuleList(ResidualBlock(a, b) for a, b in pairwise(widths))
        levels = [size // fraction for fraction in FRACTIONS if size // fraction >= SMALLEST]
        # Of what the residual blocks give, and of what is above it.
        self.below = tuple(sides.index(side) - 1 for side in levels)
        self.lateral = nn.ModuleList(EqualisedConv(widths[i + 1], pyramid_width, 1) for i in self.below)
        resolutions = sorted(set(style_resolutions))
        at = [resolutions.index(one) * len(levels) // len(resolutions) for one in style_resolutions]
        counts = [[*at, len(levels) - 1].count(level) for level in range(len(levels))]
        self.heads = nn.ModuleList(
            StyleHead(pyramid_width, side, styles=count, style_size=style_size)
            for side, count in zip(levels, counts, strict=True)
        )

    def forward(self, images: Tensor) -> Tensor:
        """[N, C, size, size] -> offsets from the mean latent, float32 [N, style_count, style_size]."""
        x = self.from_input(images.contiguous(memory_format=torch.channels_last))
        features = []
        for block in self.blocks:
            x = block(x)
            features.append(x)
        styles, above = [], None
        for lateral, i, head in zip(self.lateral, self.below, self.heads, strict=True):
            here = lateral(features[i])
            # The sum of as many independent terms as there are levels keeps its variance.
            above = here if above is None else (upsample(above) + here) * math.sqrt(0.5)
            styles.append(head(F.leaky_relu(above, 0.2)).float())
        return torch.cat(styles, dim=1)
