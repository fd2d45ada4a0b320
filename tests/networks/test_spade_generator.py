from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn import functional as F

from segmint.networks.spade_generator import SpadeBlock, SpadeGenerator, modulate, spade_widths

CPU = torch.device("cpu")


def tiny(size: int = 32, **settings: Any) -> SpadeGenerator:
    return SpadeGenerator(**{"size": size, "inputs": 2, "outputs": 1, "width": 1 / 16, **settings})


def seeded(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def stripes(n: int, side: int = 32) -> Tensor:
    ids = (torch.arange(side) // 4 % 2).expand(n, side, side)
    return F.one_hot(ids, 2).permute(0, 3, 1, 2).float()


def with_noise(network: SpadeGenerator) -> SpadeGenerator:
    for block in network.blocks:
        nn.init.constant_(block.noise_strength, 0.3)
    return network


def test_widths() -> None:
    """64 to 1024 feature maps, 128 between label map and modulation."""
    assert spade_widths(256) == (1024, 1024, 512, 256, 128, 64)
    assert spade_widths(48, 1 / 8) == (64, 32, 16, 8)
    assert spade_widths(8) == (64,)
    with torch.device("meta"):
        network = SpadeGenerator(size=256, inputs=3, outputs=3)
    assert [block.second.out_channels for block in network.blocks] == [1024, 1024, 512, 256, 128, 64]
    assert {block.shared.out_channels for block in network.blocks} == {128}


@pytest.mark.parametrize("size", [8, 32, 48, 128])
def test_shape_and_range(size: int) -> None:
    network = tiny(size, outputs=3)
    images = network(torch.rand(2, 2, size, size), network.draw_batch_noise(2, seeded(0)[0], CPU))
    assert images.shape == (2, 3, size, size)
    assert images.dtype == torch.float32
    assert float(images.detach().abs().max()) <= 1


def test_noise_shapes() -> None:
    assert tiny(32, latents=5).noise_shapes() == [(5, 8, 8), (1, 8, 8), (1, 16, 16), (1, 32, 32)]
    assert tiny(32, latents=5).noise_shapes(64, 32)[0] == (5, 16, 8)


def test_modulation_is_normalise_scale_shift() -> None:
    x, scale, shift = torch.randn(3, 2, 3, 8, 8)
    assert torch.allclose(modulate(x, scale, shift), F.instance_norm(x) * (1 + scale) + shift, atol=1e-5)


def test_a_block_by_hand() -> None:
    block = SpadeBlock(3, 5, 2, 4, spectral=False)
    nn.init.constant_(block.noise_strength, 0.3)
    x, condition, noise = torch.randn(2, 3, 8, 8), torch.randn(2, 2, 8, 8), torch.randn(2, 1, 8, 8)
    modulation = block.scales_and_shifts(block.shared(condition).relu())
    y = F.leaky_relu(F.instance_norm(x) * (1 + modulation[:, :3]) + modulation[:, 3:6], 0.2)
    y = block.first(y) + 0.3 * noise
    y = F.leaky_relu(F.instance_norm(y) * (1 + modulation[:, 6:11]) + modulation[:, 11:], 0.2)
    assert torch.allclose(block(x, condition, noise), block.shortcut(x) + block.second(y), atol=1e-5)


def test_a_sample_depends_on_its_condition_and_generator_alone() -> None:
    # In double precision: kernels for other batch sizes round otherwise.
    network = with_noise(tiny()).double()
    x = torch.rand(3, 2, 32, 32, dtype=torch.float64)
    with torch.no_grad():
        together = network(x, network.draw_noise(seeded(0, 1, 2), CPU))
        alone = network(x[2:], network.draw_noise(seeded(2), CPU))
        other = network(x[2:], network.draw_noise(seeded(3), CPU))
    assert torch.allclose(together[2], alone[0], atol=1e-6)
    assert (other - alone).abs().max() > 1e-3


def test_paints_images_larger_than_those_of_training() -> None:
    network = tiny()
    with torch.no_grad():
        images = network(torch.rand(1, 2, 64, 96), network.draw_noise(seeded(0), CPU, height=64, width=96))
    assert images.shape == (1, 1, 64, 96)


def test_refuses_what_does_not_fit() -> None:
    network = tiny()
    with pytest.raises(ValueError, match="multiples of 4, not 34 x 32"):
        network(torch.zeros(1, 2, 34, 32), [])
    with pytest.raises(ValueError, match="noise must have shapes"):
        network(torch.zeros(1, 2, 64, 64), network.draw_noise(seeded(0), CPU))


@pytest.mark.parametrize("spectral", [False, True])
def test_learns_to_follow_the_label_map(spectral: bool) -> None:
    network = with_noise(tiny(16, width=1 / 8, spectral=spectral))
    x = stripes(2, 16)
    target = x[:, 1:] - 0.5
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    generator = seeded(0)[0]
    losses = []
    for step in range(50):
        loss = F.l1_loss(network(x, network.draw_batch_noise(2, generator, CPU)), target)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            for name, parameter in network.named_parameters():
                assert parameter.grad is not None, name
                assert parameter.grad.abs().max() > 0, name
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 3


def test_works_in_bf16_autocast() -> None:
    network = tiny()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        images = network(stripes(2), network.draw_batch_noise(2, seeded(0)[0], CPU))
    assert images.dtype == torch.float32
    images.sum().backward()


@pytest.mark.parametrize("spectral", [False, True])
def test_copies_and_saves(spectral: bool) -> None:
    network = tiny(spectral=spectral).to(memory_format=torch.channels_last)
    x, noise = stripes(1), network.draw_noise(seeded(0), CPU)
    network(x, noise)
    network.eval()
    expected = network(x, noise)
    assert torch.equal(copy.deepcopy(network)(x, noise), expected)
    other = tiny(spectral=spectral).eval()
    other.load_state_dict(load(save({name: value.contiguous() for name, value in network.state_dict().items()})))
    assert torch.allclose(other(x, noise), expected, atol=1e-6)
