"""U-Net generator of pix2pix [Isola 2017, section 3.2.1 and appendix 6.1.1], dropout as its noise."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segmint.networks.convolution import LEAKY_SLOPE, convolution
from segmint.networks.dropout import apply_keep, draw_keep_batch, draw_keep_each
from segmint.networks.normalisation import Norm, normalisation
from segmint.networks.self_attention import SelfAttention

# C64-C128-C256-C512-C512-C512-C512-C512, and CD512-CD512-CD512-C512-C256-C128-C64 before skips are concatenated: as inputs
# of a layer, skips counted, CD512-CD1024-CD1024-C1024-C1024-C512-C256-C128.
ENCODER_WIDTHS = (64, 128, 256, 512, 512, 512, 512, 512)
DECODER_WIDTHS = (512, 512, 512, 512, 256, 128, 64)
DROPOUT_RATE = 0.5
DROPOUT_BLOCKS = 3
# How the decoder doubles: by a transposed convolution, as published, or by resizing and then convolving.
Enlarging = Literal["transposed", "resize"]


def block_count(size: int) -> int:
    """How often an image is halved: eight times at 256 px, until one pixel is left at smaller powers of two.

    Other sizes are halved while they are even, at most eight times.

    Raises:
        ValueError: `size` cannot be halved three times.
    """
    blocks = 0
    while blocks < len(ENCODER_WIDTHS) and size > 1 and size % 2 == 0:
        size, blocks = size // 2, blocks + 1
    if blocks < 3:
        raise ValueError(f"size must be a multiple of 8, not {size * 2**blocks}")
    return blocks


def encoder_widths(size: int, width: float = 1.0) -> tuple[int, ...]:
    """Feature maps of each encoder block: the first blocks of the published ones, all times `width`."""
    return tuple(max(round(maps * width), 1) for maps in ENCODER_WIDTHS[: block_count(size)])


def decoder_widths(size: int, width: float = 1.0) -> tuple[int, ...]:
    """Feature maps that each decoder block puts out: the last blocks of the published ones, all times `width`."""
    return tuple(max(round(maps * width), 1) for maps in DECODER_WIDTHS[1 - block_count(size) :])


class EncoderBlock(nn.Module):
    """4x4 convolution of stride 2, normalisation, leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, *, norm: Norm, spectral: bool) -> None:
        super().__init__()
        self.convolution = convolution(inputs, outputs, 4, stride=2, padding=1, bias=norm == "none", spectral=spectral)
        self.normalisation = normalisation(outputs, norm)

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, outputs, H/2, W/2]."""
        return F.leaky_relu(self.normalisation(self.convolution(x)), LEAKY_SLOPE, inplace=True)


class ResizeConvolution(nn.Module):
    """Bilinear resizing to twice the size, then a 3x3 convolution: every pixel is made alike, so no chequers [Odena 2016]."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool, spectral: bool) -> None:
        super().__init__()
        self.convolution = convolution(inputs, outputs, 3, padding=1, bias=bias, spectral=spectral)

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, outputs, 2H, 2W]."""
        doubled: Tensor = self.convolution(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False))
        return doubled


def _doubling(inputs: int, outputs: int, enlarging: Enlarging, *, bias: bool, spectral: bool) -> nn.Module:
    if enlarging == "resize":
        return ResizeConvolution(inputs, outputs, bias=bias, spectral=spectral)
    return convolution(inputs, outputs, 4, stride=2, padding=1, bias=bias, transposed=True, spectral=spectral)


class DecoderBlock(nn.Module):
    """4x4 transposed convolution of stride 2 (or `ResizeConvolution`), normalisation, dropout (where a mask is given), ReLU."""

    def __init__(self, inputs: int, outputs: int, *, norm: Norm, spectral: bool, enlarging: Enlarging) -> None:
        super().__init__()
        self.convolution = _doubling(inputs, outputs, enlarging, bias=norm == "none", spectral=spectral)
        self.normalisation = normalisation(outputs, norm)

    def forward(self, x: Tensor, keep: Tensor | None, dropout: float) -> Tensor:
        """[N, inputs, H, W] -> [N, outputs, 2H, 2W]; `keep` is 0 or 1 and has the shape of the result."""
        x = self.normalisation(self.convolution(x))
        return F.relu(x if keep is None else apply_keep(x, keep, dropout), inplace=True)


class Pix2PixGenerator(nn.Module):
    """Paints label maps; fully convolutional, so that images larger than those of the training can be painted.

    Encoder block i and decoder block n - i meet: the decoder's next input is its output and that block's output,
    concatenated. The first encoder block is not normalised, nor the last, whose single pixel a batch of one would normalise
    to zero. The last layer, which doubles as the decoder blocks do, and tanh, is no block.

    Args:
        size: side in pixels of the training images; gives the number of blocks by `block_count`.
        inputs: I, channels of the condition (one-hot label maps); outputs: C, image channels.
        encoder, decoder: feature maps of each block; None takes the published ones times `width`.
        dropout_blocks: how many decoder blocks, from the first, take dropout masks.
        attention: sides in pixels, at `size`, of the decoder's outputs that pass through self-attention.
        spectral: spectral normalisation of every convolution.
        enlarging: how decoder blocks and the last layer double.

    Raises:
        ValueError: numbers of blocks that do not fit, or no decoder output of a side in `attention`.
    """

    def __init__(
        self,
        *,
        size: int,
        inputs: int,
        outputs: int,
        encoder: Sequence[int] | None = None,
        decoder: Sequence[int] | None = None,
        width: float = 1.0,
        norm: Norm = "batch",
        dropout: float = DROPOUT_RATE,
        dropout_blocks: int = DROPOUT_BLOCKS,
        attention: Sequence[int] = (),
        spectral: bool = False,
        enlarging: Enlarging = "transposed",
    ) -> None:
        super().__init__()
        encoder = encoder_widths(size, width) if encoder is None else tuple(encoder)
        decoder = decoder_widths(size, width) if decoder is None else tuple(decoder)
        if len(decoder) != len(encoder) - 1:
            raise ValueError(
                f"{len(encoder)} encoder blocks need {len(encoder) - 1} decoder blocks, not {len(decoder)}"
            )
        if size % 2 ** len(encoder):
            raise ValueError(f"{len(encoder)} encoder blocks do not halve {size} pixels evenly")
        self.size, self.dropout, self.multiple = size, dropout, 2 ** len(encoder)
        norms: list[Norm] = ["none", *[norm] * (len(encoder) - 2), "none"]
        self.encoder = nn.ModuleList(
            EncoderBlock(a, b, norm=kind, spectral=spectral)
            for (a, b), kind in zip(pairwise((inputs, *encoder)), norms, strict=True)
        )
        # What each decoder layer is given: the bottleneck, then the block before it and the skip.
        skips = encoder[-2::-1]
        self.decoder_inputs = (encoder[-1], *(a + b for a, b in zip(decoder, skips, strict=True)))
        self.decoder = nn.ModuleList(
            DecoderBlock(a, b, norm=norm, spectral=spectral, enlarging=enlarging)
            for a, b in zip(self.decoder_inputs[:-1], decoder, strict=True)
        )
        self.last = _doubling(self.decoder_inputs[-1], outputs, enlarging, bias=True, spectral=spectral)
        self.dropout_widths = decoder[:dropout_blocks]
        sides = [size * 2 ** (i + 1) // self.multiple for i in range(len(decoder))]
        if absent := set(attention) - set(sides):
            raise ValueError(f"attention at {sorted(absent)} pixels: the decoder's outputs have {sides}")
        self.attention = nn.ModuleDict(
            {str(i): SelfAttention(decoder[i], spectral=spectral) for i, side in enumerate(sides) if side in attention}
        )

    def dropout_shapes(self, height: int | None = None, width: int | None = None) -> list[tuple[int, int, int]]:
        """Shapes [maps, h, w] of the dropout masks of one sample, for an image of `size` or of the given sides."""
        height, width = height or self.size, width or self.size
        return [
            (maps, height * 2 ** (i + 1) // self.multiple, width * 2 ** (i + 1) // self.multiple)
            for i, maps in enumerate(self.dropout_widths)
        ]

    def draw_keep(
        self,
        generators: Sequence[torch.Generator],
        device: torch.device,
        *,
        height: int | None = None,
        width: int | None = None,
    ) -> list[Tensor]:
        """Dropout masks of 0 and 1; those of sample i come from generator i alone (sampling)."""
        return draw_keep_each(self.dropout_shapes(height, width), self.dropout, generators, device)

    def draw_batch_keep(self, n: int, generator: torch.Generator, device: torch.device) -> list[Tensor]:
        """Dropout masks of 0 and 1 for `n` samples of `size`, all from one generator (training)."""
        return draw_keep_batch(self.dropout_shapes(), self.dropout, n, generator, device)

    def forward(self, x: Tensor, keep: Sequence[Tensor]) -> Tensor:
        """[N, I, H, W] -> [N, C, H, W] in [-1, 1], float32.

        Args:
            keep: masks as `draw_keep` gives them; none at all for no dropout.

        Raises:
            ValueError: a side that the blocks do not halve evenly, or masks of another number or shape.
        """
        height, width = x.shape[2:]
        if height % self.multiple or width % self.multiple:
            raise ValueError(f"sides must be multiples of {self.multiple}, not {height} x {width}")
        if keep and [tuple(mask.shape[1:]) for mask in keep] != self.dropout_shapes(height, width):
            raise ValueError(f"dropout masks must have shapes {self.dropout_shapes(height, width)}")
        x = x.contiguous(memory_format=torch.channels_last)
        skips = []
        for block in self.encoder:
            x = block(x)
            skips.append(x)
        x = skips.pop()
        for i, block in enumerate(self.decoder):
            x = block(x, keep[i] if i < len(keep) else None, self.dropout)
            if str(i) in self.attention:
                x = self.attention[str(i)](x)
            x = torch.cat([x, skips.pop()], dim=1)
        return torch.tanh(self.last(x).float())
