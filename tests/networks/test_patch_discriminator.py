from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from segmint.networks.normalisation import Normalisation
from segmint.networks.patch_discriminator import STRIDES_70, STRIDES_FOUR_HALVINGS, PatchDiscriminator


def tiny(**settings: Any) -> PatchDiscriminator:
    return PatchDiscriminator(**{"channels": 3, "width": 1 / 16, **settings})


def published(**settings: Any) -> PatchDiscriminator:
    """The published widths, without memory."""
    with torch.device("meta"):
        return PatchDiscriminator(**{"channels": 6, **settings})


def test_published_layers() -> None:
    """C64-C128-C256-C512 and a convolution to one channel, all 4x4; the first is not normalised."""
    network = published()
    layers = [*(block.convolution for block in network.blocks), network.last]
    assert [layer.out_channels for layer in layers] == [64, 128, 256, 512, 1]
    assert [layer.stride for layer in layers] == [(2, 2), (2, 2), (2, 2), (1, 1), (1, 1)]
    assert {layer.kernel_size for layer in layers} == {(4, 4)}
    assert [isinstance(block.normalisation, Normalisation) for block in network.blocks] == [False, True, True, True]


@pytest.mark.parametrize(
    ("strides", "field", "side"), [(STRIDES_70, 70, 30), (STRIDES_FOUR_HALVINGS, 94, 15), ((2, 1), 16, 126)]
)
def test_receptive_field(strides: tuple[int, ...], field: int, side: int) -> None:
    """70x70 with strides 2, 2, 2, 1; 94x94 with four halvings; 16x16 as C64-C128 in the paper."""
    network = published(strides=strides, widths=(64, 128, 256, 512)[: len(strides)])
    assert network.receptive_field == field
    assert network.logit_side(256) == side
    logits, _ = network(torch.empty(1, 6, 256, 256, device="meta"))
    assert logits.shape == (1, 1, side, side)


def test_a_logit_sees_the_receptive_field_and_no_more() -> None:
    network = tiny(norm="none", width=1 / 8)
    for parameter in network.parameters():
        nn.init.constant_(parameter, 0.1)
    x = torch.ones(1, 3, 128, 128, requires_grad=True)
    logits, _ = network(x)
    middle = logits.shape[2] // 2
    logits[0, 0, middle, middle].backward()
    assert x.grad is not None
    rows = x.grad[0].abs().sum(dim=(0, 2)).nonzero()[:, 0]
    assert int(rows.max() - rows.min()) + 1 == network.receptive_field == 70


@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_logits_and_features(size: int) -> None:
    network = tiny()
    logits, features = network(torch.randn(2, 3, size, size))
    side = network.logit_side(size)
    assert logits.shape == (2, 1, side, side)
    assert logits.dtype == torch.float32
    assert [tuple(f.shape) for f in features] == [
        (2, 4, size // 2, size // 2),
        (2, 8, size // 4, size // 4),
        (2, 16, size // 8, size // 8),
        (2, 32, size // 8 - 1, size // 8 - 1),
    ]


def test_refuses_layers_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="4 widths and 2 strides"):
        tiny(strides=(2, 2))
    with pytest.raises(ValueError, match="blocks 0 to 3"):
        tiny(attention=[4])


@pytest.mark.parametrize("settings", [{}, {"norm": "instance"}, {"norm": "none", "spectral": True, "attention": [1]}])
def test_second_derivatives(settings: dict[str, Any]) -> None:
    """A gradient penalty reaches the weights."""
    network = tiny(**settings)
    for attention in network.attention.values():
        nn.init.ones_(attention.gamma)
    x = torch.randn(2, 3, 32, 32, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(x)[0].sum(), x, create_graph=True)
    gradient.square().sum().backward()
    for block in network.blocks:
        for name, parameter in block.convolution.named_parameters():
            # The convolutions' biases shift the logits, not their slope.
            assert "bias" in name or (parameter.grad is not None and parameter.grad.abs().max() > 0), name


def test_spectral_normalisation() -> None:
    """After a few rounds of power iteration, every layer's matrix has largest singular value 1."""
    network = tiny(norm="none", spectral=True)
    x = torch.randn(1, 3, 32, 32)
    for _ in range(30):
        network(x)
    for layer in [*(block.convolution for block in network.blocks), network.last]:
        largest = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), ord=2)
        assert float(largest) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("settings", [{}, {"spectral": True, "attention": [0]}])
def test_copies_and_saves(settings: dict[str, Any]) -> None:
    network = tiny(**settings).to(memory_format=torch.channels_last)
    x = torch.randn(2, 3, 32, 32)
    network(x)
    network.eval()
    expected = network(x)[0]
    assert torch.equal(copy.deepcopy(network)(x)[0], expected)
    other = tiny(**settings).eval()
    other.load_state_dict(load(save({name: value.contiguous() for name, value in network.state_dict().items()})))
    assert torch.allclose(other(x)[0], expected, atol=1e-6)
