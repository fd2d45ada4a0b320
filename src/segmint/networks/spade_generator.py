"""Translator whose normalisation is modulated by the label map [Park 2019 (SPADE)], with maps of noise.

Nothing in it depends on the image's size, so whole large images can be painted. Unlike the source, statistics are those of
each sample, label maps are reduced by averaging (nearest-neighbour loses thin vessels), and noise enters as a map, not
through a dense layer: latents [Z, h, w] that modulate together with the label map, and noise for each pixel as in
[Karras 2019, section 2]. To be quick, both modulations of a block share their hidden layer, and scale and shift are 1x1
convolutions of it, not 3x3: a third of the multiplications.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from segmint.networks.convolution import LEAKY_SLOPE
from segmint.networks.normalisation import instance_normalise

COARSEST_SIDE = 8
# As published: feature maps at full resolution, at most, and between condition and modulation.
WIDTH = 64
WIDTH_MAXIMUM = 1024
HIDDEN = 128


def spade_widths(size: int, width: float = 1.0) -> tuple[int, ...]:
    """Feature maps of each level, the coarsest first: 64 at `size`, doubled each halving up to 1024, all times `width`.

    Levels are halved while the side is even and more than 8 pixels.
    """
    maps = [WIDTH]
    while size % 2 == 0 and size > COARSEST_SIDE:
        size //= 2
        maps.append(min(maps[-1] * 2, WIDTH_MAXIMUM))
    return tuple(max(round(m * width), 1) for m in reversed(maps))


def _convolution(inputs: int, outputs: int, kernel: int, *, spectral: bool, bias: bool = True) -> nn.Module:
    layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias)
    nn.init.xavier_normal_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return spectral_norm(layer) if spectral else layer


def modulate(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Instance normalisation, then scale and shift at each pixel [equation 1]; all [N, channels, h, w]."""
    return torch.addcmul(shift, instance_normalise(x), 1 + scale)


class SpadeBlock(nn.Module):
    """Residual block of two modulated 3x3 convolutions [figure 4]; noise is added before the second modulation."""

    def __init__(self, inputs: int, outputs: int, condition: int, hidden: int, *, spectral: bool) -> None:
        super().__init__()
        self.shared = _convolution(condition, hidden, 3, spectral=spectral)
        self.scales_and_shifts = _convolution(hidden, 2 * (inputs + outputs), 1, spectral=spectral)
        self.first = _convolution(inputs, outputs, 3, spectral=spectral)
        self.noise_strength = nn.Parameter(torch.zeros(outputs))
        self.second = _convolution(outputs, outputs, 3, spectral=spectral)
        self.shortcut = (
            _convolution(inputs, outputs, 1, spectral=spectral, bias=False) if inputs != outputs else nn.Identity()
        )
        self.parts = [inputs, inputs, outputs, outputs]

    def forward(self, x: Tensor, condition: Tensor, noise: Tensor) -> Tensor:
        """[N, inputs, h, w], [N, condition, h, w], [N, 1, h, w] -> [N, outputs, h, w]."""
        modulation = self.scales_and_shifts(F.relu(self.shared(condition), inplace=True))
        scale, shift, second_scale, second_shift = torch.split(modulation, self.parts, dim=1)
        y = self.first(F.leaky_relu(modulate(x, scale, shift), LEAKY_SLOPE, inplace=True))
        y = y + (noise * self.noise_strength[:, None, None]).to(y.dtype)
        y = self.second(F.leaky_relu(modulate(y, second_scale, second_shift), LEAKY_SLOPE, inplace=True))
        result: Tensor = self.shortcut(x) + y
        return result


class SpadeGenerator(nn.Module):
    """Paints label maps: one block a level, from the coarsest, each followed by nearest-neighbour enlargement.

    Args:
        size: side in pixels of the training images; gives the number of levels (`spade_widths`).
        inputs: I, channels of the condition (one-hot label maps); outputs: C, image channels.
        width: factor on all widths.
        latents: Z, maps of coarse noise.
    """

    def __init__(
        self,
        *,
        size: int,
        inputs: int,
        outputs: int,
        width: float = 1.0,
        latents: int = 8,
        spectral: bool = False,
    ) -> None:
        super().__init__()
        widths, hidden = spade_widths(size, width), max(round(HIDDEN * width), 1)
        condition = inputs + latents
        self.size, self.latents, self.multiple = size, latents, 2 ** (len(widths) - 1)
        self.start = _convolution(condition, widths[0], 3, spectral=spectral)
        self.blocks = nn.ModuleList(
            SpadeBlock(a, b, condition, hidden, spectral=spectral)
            for a, b in zip((widths[0], *widths), widths, strict=False)
        )
        self.last = _convolution(widths[-1], outputs, 3, spectral=spectral)

    def noise_shapes(self, height: int | None = None, width: int | None = None) -> list[tuple[int, int, int]]:
        """Shapes [maps, h, w] of one sample's noise: the latents, then one map a level, the coarsest first."""
        height, width = height or self.size, width or self.size
        factors = [2**i for i in reversed(range(len(self.blocks)))]
        pixels = [(1, height // factor, width // factor) for factor in factors]
        return [(self.latents, *pixels[0][1:]), *pixels]

    def draw_noise(
        self,
        generators: Sequence[torch.Generator],
        device: torch.device,
        *,
        height: int | None = None,
        width: int | None = None,
    ) -> list[Tensor]:
        """Unit normal noise; that of sample i comes from generator i alone (sampling)."""
        return [
            torch.stack([torch.randn(*shape, generator=g, device=g.device) for g in generators]).to(device)
            for shape in self.noise_shapes(height, width)
        ]

    def draw_batch_noise(self, n: int, generator: torch.Generator, device: torch.device) -> list[Tensor]:
        """Unit normal noise for `n` samples of `size`, all from one generator (training)."""
        return [
            torch.randn(n, *shape, generator=generator, device=generator.device).to(device)
            for shape in self.noise_shapes()
        ]

    def forward(self, x: Tensor, noise: Sequence[Tensor]) -> Tensor:
        """[N, I, H, W] and noise as `draw_noise` gives it -> [N, C, H, W] in [-1, 1], float32.

        Raises:
            ValueError: a side that the levels do not halve evenly, or noise of another number or shape.
        """
        height, width = x.shape[2:]
        if height % self.multiple or width % self.multiple:
            raise ValueError(f"sides must be multiples of {self.multiple}, not {height} x {width}")
        if [tuple(maps.shape[1:]) for maps in noise] != self.noise_shapes(height, width):
            raise ValueError(f"noise must have shapes {self.noise_shapes(height, width)}")
        conditions = [x.contiguous(memory_format=torch.channels_last)]
        while len(conditions) < len(self.blocks):
            conditions.append(F.avg_pool2d(conditions[-1], 2))
        latents = noise[0].contiguous(memory_format=torch.channels_last)
        features: Tensor | None = None
        for block, labels, pixels in zip(self.blocks, reversed(conditions), noise[1:], strict=True):
            here = F.interpolate(latents, size=labels.shape[2:], mode="bilinear", align_corners=False)
            condition = torch.cat([labels, here.to(labels.dtype)], dim=1)
            features = self.start(condition) if features is None else F.interpolate(features, scale_factor=2)
            features = block(features, condition, pixels)
        assert features is not None
        return torch.tanh(self.last(F.leaky_relu(features, LEAKY_SLOPE)).float())
