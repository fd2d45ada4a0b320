from __future__ import annotations

import torch
from torch import Tensor, nn

from segmint.networks.self_attention import SelfAttention


def active(channels: int = 16, *, spectral: bool = False) -> SelfAttention:
    """Weights large enough that the attention is not uniform."""
    layer = SelfAttention(channels, spectral=spectral)
    if not spectral:
        for module in (layer.query, layer.key, layer.value, layer.output):
            nn.init.normal_(module.weight, std=0.7)  # type: ignore[arg-type]
    nn.init.constant_(layer.gamma, 0.5)
    return layer


def by_hand(layer: SelfAttention, x: Tensor) -> Tensor:
    """Pixel by pixel, as in the paper's equations 1 to 3."""

    def weight(module: nn.Module) -> Tensor:
        return module.weight[:, :, 0, 0]  # type: ignore[index, return-value]

    result = torch.empty_like(x)
    height, width = x.shape[2:]
    for n in range(len(x)):
        pixels = x[n].flatten(1)
        for j in range(height * width):
            scores = torch.stack(
                [
                    (weight(layer.key) @ pixels[:, i]) @ (weight(layer.query) @ pixels[:, j])
                    for i in range(height * width)
                ]
            )
            mean = sum(b * (weight(layer.value) @ pixels[:, i]) for i, b in enumerate(scores.softmax(0)))
            result[n, :, j // width, j % width] = layer.gamma * (weight(layer.output) @ mean) + pixels[:, j]
    return result


def test_starts_as_the_identity() -> None:
    x = torch.randn(2, 16, 4, 4)
    layer = SelfAttention(16)
    assert layer.gamma.item() == 0
    assert torch.equal(layer(x), x)


def test_an_eighth_of_the_channels() -> None:
    layer = SelfAttention(64)
    shapes = [tuple(module.weight.shape) for module in (layer.query, layer.key, layer.value, layer.output)]
    assert shapes == [(8, 64, 1, 1)] * 3 + [(64, 8, 1, 1)]


def test_equals_the_equations() -> None:
    layer, x = active(), torch.randn(2, 16, 3, 4)
    assert torch.allclose(layer(x), by_hand(layer, x), atol=1e-5)


def test_with_and_without_gradient_alike() -> None:
    layer, x = active(), torch.randn(2, 16, 6, 5).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        fused = layer(x)
    assert torch.allclose(layer(x), fused, atol=1e-5)
    assert fused.is_contiguous(memory_format=torch.channels_last)


def test_second_derivatives() -> None:
    """As gradient penalties take them, through spectral normalisation too."""
    layer = active(spectral=True)
    x = torch.randn(1, 16, 4, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
    gradient.square().sum().backward()
    assert all(parameter.grad is not None for parameter in layer.parameters())


def test_second_derivatives_are_right() -> None:
    layer = active(8).double()
    x = torch.randn(1, 8, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(layer, (x,))
