from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from segmint.networks.style_discriminator import ResidualBlock, StyleDiscriminator, minibatch_standard_deviation


def tiny(*, size: int = 32, channels: int = 4) -> StyleDiscriminator:
    return StyleDiscriminator(size=size, channels=channels, width_base=128, width_maximum=8)


def groups_of(n: int, group_size: int) -> list[list[int]]:
    """Samples n / group_size apart belong together."""
    apart = n // group_size
    return [list(range(start, n, apart)) for start in range(apart)]


@pytest.mark.parametrize(("n", "used"), [(8, 4), (4, 4), (2, 2), (6, 3), (1, 1), (5, 1), (12, 4)])
def test_minibatch_standard_deviation_equals_its_definition(n: int, used: int) -> None:
    x = torch.randn(n, 3, 2, 5)
    values = x.double().numpy()
    expected = np.empty(n)
    for group in groups_of(n, used):
        deviation = [
            math.sqrt(np.var([values[i, c, r, s] for i in group]) + 1e-8)
            for c in range(3)
            for r in range(2)
            for s in range(5)
        ]
        expected[group] = np.mean(deviation)
    result = minibatch_standard_deviation(x)
    assert result.shape == (n, 4, 2, 5)
    assert torch.equal(result[:, :3], x)
    assert np.allclose(result[:, 3].numpy(), expected[:, None, None], atol=1e-6)


def test_identical_samples_show_as_none_and_stay_differentiable() -> None:
    """A collapsed generator is what the map is there to betray."""
    x = torch.randn(1, 3, 4, 4).repeat(4, 1, 1, 1).requires_grad_(True)
    result = minibatch_standard_deviation(x)
    assert torch.allclose(result[:, 3], torch.full((4, 4, 4), 1e-4))
    result.sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()


def test_a_residual_block_equals_its_formula() -> None:
    block = ResidualBlock(3, 5).double()
    for layer in (block.first, block.second):
        torch.nn.init.normal_(layer.bias)
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=torch.float64) / 8
    low_pass = torch.outer(taps, taps)

    def filtered(maps: torch.Tensor, padding: int) -> torch.Tensor:
        n, c, h, w = maps.shape
        return F.conv2d(maps.reshape(n * c, 1, h, w), low_pass[None, None], padding=padding).unflatten(0, (n, c))[
            :, :, 0
        ]

    def activated(maps: torch.Tensor) -> torch.Tensor:
        return math.sqrt(2) * torch.where(maps > 0, maps, 0.2 * maps)

    inner = activated(F.conv2d(x, block.first.weight / math.sqrt(27), block.first.bias, padding=1))
    inner = filtered(inner, 2)
    inner = activated(F.conv2d(inner, block.second.weight / math.sqrt(27), block.second.bias, stride=2))
    skip = F.conv2d(filtered(x, 1)[..., ::2, ::2], block.skip.weight / math.sqrt(3))
    result = block(x)
    assert result.shape == (2, 5, 4, 4)
    assert torch.allclose(result, (inner + skip) / math.sqrt(2))
    assert block.skip.bias is None


@pytest.mark.parametrize("size", [8, 32, 64])
@pytest.mark.parametrize("channels", [1, 8])
def test_one_logit_a_sample(size: int, channels: int) -> None:
    logits = tiny(size=size, channels=channels)(torch.randn(3, channels, size, size))
    assert logits.shape == (3,)
    assert logits.dtype == torch.float32


def test_widths_and_parameter_count_at_full_capacity() -> None:
    """The published configuration F at 1024 px has 29.01 million parameters."""
    with torch.device("meta"):
        network = StyleDiscriminator(size=1024, channels=3)
    assert sum(parameter.numel() for parameter in network.parameters()) == 29_012_513
    assert [block.second.weight.shape[0] for block in network.blocks] == [64, 128, 256, 512, 512, 512, 512, 512]
    assert network.from_input.weight.shape == (32, 3, 1, 1)


def test_a_sample_sees_its_group_and_no_other() -> None:
    network = tiny()
    x = torch.randn(8, 4, 32, 32)
    changed = x.clone()
    changed[1] += 5
    with torch.no_grad():
        difference = (network(x) - network(changed)).abs()
    others, group = [0, 2, 4, 6], [1, 3, 5, 7]
    assert torch.allclose(difference[others], torch.zeros(4), atol=1e-5)
    assert (difference[group] > 1e-4).all()


def test_every_input_channel_and_parameter_counts() -> None:
    network = tiny()
    x = torch.randn(2, 4, 32, 32, requires_grad=True)
    network(x).square().sum().backward()
    assert x.grad is not None
    assert (x.grad.abs().sum(dim=(0, 2, 3)) > 0).all()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_last_layers_run_in_float32_under_autocast() -> None:
    network = tiny()
    x = torch.randn(4, 4, 32, 32)
    seen: list[torch.dtype] = []
    network.last.register_forward_hook(lambda _module, inputs, output: seen.extend([inputs[0].dtype, output.dtype]))
    with torch.no_grad():
        expected = network(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(x)
    assert seen[2:] == [torch.float32, torch.float32]
    assert logits.dtype == torch.float32
    assert torch.allclose(logits, expected, atol=0.1 * float(expected.abs().max()) + 0.02)


def test_second_derivatives_reach_the_weights() -> None:
    """R1 needs the gradient of a gradient through blur, stride, minibatch deviation and activation."""
    network = tiny()
    x = torch.randn(2, 4, 32, 32, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(x).sum(), x, create_graph=True)
    gradient.square().sum().backward()
    for name, parameter in network.named_parameters():
        if name.endswith("weight"):
            assert parameter.grad is not None
            assert parameter.grad.any(), name
