"""Convolutions as pix2pix starts them [Isola 2017, appendix 6.2]: weights from N(0, 0.02), biases zero."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

START_DEVIATION = 0.02
LEAKY_SLOPE = 0.2


def convolution(
    inputs: int,
    outputs: int,
    kernel: int,
    *,
    stride: int = 1,
    padding: int = 0,
    bias: bool = True,
    transposed: bool = False,
    spectral: bool = False,
) -> nn.Module:
    """A (transposed) convolution; `spectral` divides its weight by its largest singular value [Miyato 2018]."""
    kind = nn.ConvTranspose2d if transposed else nn.Conv2d
    layer = kind(inputs, outputs, kernel, stride=stride, padding=padding, bias=bias)
    nn.init.normal_(layer.weight, std=START_DEVIATION)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return spectral_norm(layer) if spectral else layer
