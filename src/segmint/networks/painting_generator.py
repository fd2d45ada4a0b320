"""Style-based generator that paints label maps [Karras 2020, figure 7b; Zhao 2021 (CoModGAN), section 3].

The label maps, encoded at every resolution, take the place of the learnt constant; style and noise say what they leave open.
Nothing in it depends on the image's size, so whole large images can be painted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from segmint.networks.equalised import EqualisedConv
from segmint.networks.resampling import downsample, upsample
from segmint.networks.style_generator import StyleBlock, feature_width
from segmint.networks.style_mapping import StyleMapping

COARSEST = 4


class MaskPyramid(nn.Module):
    """Label maps to features at every resolution, each level from the finer one, so that the coarsest has seen all of them."""

    def __init__(self, inputs: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.first = EqualisedConv(inputs, widths[0], 3, padding=1, activation=True)
        self.levels = nn.ModuleList(EqualisedConv(a, b, 3, padding=1, activation=True) for a, b in pairwise(widths))

    def forward(self, maps: Tensor) -> list[Tensor]:
        """[N, inputs, H, W] -> features from the finest, [N, widths[0], H, W], to the coarsest."""
        features = [self.first(maps.contiguous(memory_format=torch.channels_last))]
        for level in self.levels:
            features.append(level(downsample(features[-1])))
        return features


class PaintingStyleGenerator(nn.Module):
    """Mapping network, pyramid of masks, and blocks that each add the pyramid's features between their two styled layers.

    Args:
        size: side of the training images, a power of two of at least 8; gives the number of resolutions.
        image_channels: C; label_maps: K, the one-hot maps that are painted.
    """

    def __init__(
        self,
        *,
        size: int,
        image_channels: int,
        label_maps: int,
        latent_size: int = 512,
        style_size: int = 512,
        width_base: int = 32768,
        width_maximum: int = 512,
    ) -> None:
        super().__init__()
        if size < 8 or size & (size - 1):
            raise ValueError(f"size must be a power of two of at least 8, not {size}")
        self.size, self.multiple = size, size // COARSEST
        resolutions = [2**exponent for exponent in range(COARSEST.bit_length() - 1, size.bit_length())]
        widths = [feature_width(r, base=width_base, maximum=width_maximum) for r in resolutions]
        self.mapping = StyleMapping(latent_size, style_size)
        self.pyramid = MaskPyramid(label_maps, widths[::-1])
        self.blocks = nn.ModuleList(
            StyleBlock(widths[max(i - 1, 0)], widths[i], resolution, style_size, image_channels)
            for i, resolution in enumerate(resolutions)
        )

    @property
    def style_blocks(self) -> list[StyleBlock]:
        return [block for block in self.blocks if isinstance(block, StyleBlock)]

    def noise_shapes(self, height: int | None = None, width: int | None = None) -> list[tuple[int, int, int]]:
        """Shapes [1, h, w] of one sample's noise maps, one a styled layer, for an image of `size` or of the given sides."""
        height, width = height or self.size, width or self.size
        return [
            (1, height * block.resolution // self.size, width * block.resolution // self.size)
            for block in self.style_blocks
            for _ in block.styled_layers
        ]

    def draw_noise(
        self, generators: Sequence[torch.Generator], device: torch.device, *, height: int, width: int
    ) -> list[Tensor]:
        """Unit normal noise; that of sample i comes from generator i alone (sampling)."""
        return [
            torch.stack([torch.randn(*shape, generator=g, device=g.device) for g in generators]).to(device)
            for shape in self.noise_shapes(height, width)
        ]

    def forward(self, maps: Tensor, style: Tensor, noise: Sequence[Tensor]) -> Tensor:
        """One-hot maps [N, K, H, W], one style a sample [N, style_size] and noise [N, 1, h, w] -> images [N, C, H, W], float32.

        Raises:
            ValueError: a side that the resolutions do not halve evenly, or noise of another number or shape.
        """
        height, width = maps.shape[2:]
        if height % self.multiple or width % self.multiple:
            raise ValueError(f"sides must be multiples of {self.multiple}, not {height} x {width}")
        if [tuple(one.shape[1:]) for one in noise] != self.noise_shapes(height, width):
            raise ValueError(f"noise must have shapes {self.noise_shapes(height, width)}")
        given = self.pyramid(maps)[::-1]
        x, layer = given[0], 0
        output: Tensor | None = None
        for block, here in zip(self.style_blocks, given, strict=True):
            if block.first is not None:
                # The sum of two independent terms keeps its variance.
                x = (block.first(x, style, noise[layer]) + here) * math.sqrt(0.5)
                layer += 1
            x = block.second(x, style, noise[layer])
            layer += 1
            painted = block.to_output(x, style).float()
            output = painted if output is None else upsample(output) + painted
        assert output is not None
        return output
