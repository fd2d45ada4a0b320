from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from segmint.networks.painting_generator import MaskPyramid, PaintingStyleGenerator

CPU = torch.device("cpu")


def tiny(size: int = 32, **settings: Any) -> PaintingStyleGenerator:
    torch.manual_seed(0)
    network = PaintingStyleGenerator(
        **{
            "size": size,
            "image_channels": 1,
            "label_maps": 2,
            "latent_size": 8,
            "style_size": 8,
            "width_base": 128,
            "width_maximum": 8,
            **settings,
        }
    )
    for block in network.style_blocks:
        for layer in block.styled_layers:
            nn.init.constant_(layer.noise_strength, 0.3)
    return network


def seeded(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def maps(n: int, height: int = 32, width: int = 32) -> Tensor:
    ids = torch.randint(2, (n, height // 8, width // 8), generator=torch.Generator().manual_seed(3))
    ids = ids.repeat_interleave(8, 1).repeat_interleave(8, 2)
    return F.one_hot(ids, 2).permute(0, 3, 1, 2).float()


def test_widths_are_those_of_the_style_generator() -> None:
    with torch.device("meta"):
        network = PaintingStyleGenerator(size=256, image_channels=3, label_maps=5)
    assert [block.second.bias.numel() for block in network.style_blocks] == [512, 512, 512, 512, 512, 256, 128]
    assert [block.resolution for block in network.style_blocks] == [4, 8, 16, 32, 64, 128, 256]


def test_the_coarsest_features_see_all_of_the_masks() -> None:
    pyramid = MaskPyramid(1, [4, 4, 4, 4])
    x = torch.zeros(1, 1, 32, 32, requires_grad=True)
    features = pyramid(x)
    assert [tuple(one.shape[2:]) for one in features] == [(32, 32), (16, 16), (8, 8), (4, 4)]
    features[-1][..., 1, 1].sum().backward()
    assert x.grad is not None
    seen = x.grad[0, 0].abs().amax(0).nonzero()
    assert int(seen.min()) == 0
    assert int(seen.max()) >= 24


def test_noise_shapes() -> None:
    assert tiny(16).noise_shapes() == [(1, 4, 4), (1, 8, 8), (1, 8, 8), (1, 16, 16), (1, 16, 16)]
    assert tiny(16).noise_shapes(32, 16)[-1] == (1, 32, 16)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 96)])
def test_paints_images_of_any_sides_that_halve(height: int, width: int) -> None:
    network = tiny()
    with torch.no_grad():
        images = network(
            maps(2, height, width), torch.randn(2, 8), network.draw_noise(seeded(0, 1), CPU, height=height, width=width)
        )
    assert images.shape == (2, 1, height, width)
    assert images.dtype == torch.float32


def test_a_sample_depends_on_its_masks_style_and_noise_alone() -> None:
    network, x, style = tiny(), maps(3), torch.randn(3, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        noise = network.draw_noise(seeded(0, 1, 2), CPU, height=32, width=32)
        together = network(x, style, noise)
        alone = network(x[2:], style[2:], network.draw_noise(seeded(2), CPU, height=32, width=32))
        otherwise = {
            "noise": network(x[2:], style[2:], network.draw_noise(seeded(3), CPU, height=32, width=32)),
            "style": network(x[2:], style[:1], [one[2:] for one in noise]),
            "masks": network(x[2:].flip(1), style[2:], [one[2:] for one in noise]),
        }
    assert torch.allclose(together[2], alone[0], atol=1e-5)
    for name, image in otherwise.items():
        assert (image - alone).abs().max() > 1e-3, name


def test_every_weight_learns() -> None:
    network, x = tiny(16), maps(2, 16, 16)
    target = x[:, 1:] - 0.5
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    losses = []
    for step in range(40):
        noise = network.draw_noise(seeded(step, step + 1), CPU, height=16, width=16)
        loss = F.mse_loss(network(x, network.mapping(torch.randn(2, 8)), noise), target)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            for name, parameter in network.named_parameters():
                assert parameter.grad is not None, name
                assert parameter.grad.abs().max() > 0, name
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 3


def test_works_in_bf16_autocast_and_copies() -> None:
    network = tiny().to(memory_format=torch.channels_last)
    x, style, noise = maps(1), torch.randn(1, 8), network.draw_noise(seeded(0), CPU, height=32, width=32)
    assert torch.equal(copy.deepcopy(network)(x, style, noise), network(x, style, noise))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        images = network(x, style, noise)
    assert images.dtype == torch.float32
    images.sum().backward()


def test_refuses_what_does_not_fit() -> None:
    network = tiny()
    with pytest.raises(ValueError, match="power of two"):
        tiny(24)
    with pytest.raises(ValueError, match="multiples of 8, not 36 x 32"):
        network(torch.zeros(1, 2, 36, 32), torch.zeros(1, 8), [])
    with pytest.raises(ValueError, match="noise must have shapes"):
        network(torch.zeros(1, 2, 32, 32), torch.zeros(1, 8), [])
