from __future__ import annotations

import copy
from typing import Literal

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from segmint.networks.dense_gan import DenseDiscriminator, DenseGenerator

CPU = torch.device("cpu")


def seeded(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def test_four_hidden_blocks_each() -> None:
    generator, discriminator = DenseGenerator(size=64), DenseDiscriminator(size=64)
    assert len(generator.hidden) == len(discriminator.hidden) == 4
    assert all(isinstance(layer, nn.Linear) for layer in [*generator.hidden, *discriminator.hidden])
    assert [layer.in_features for layer in generator.hidden] == [100, 128, 256, 512]
    assert (generator.last.in_features, generator.last.out_features) == (1024, 64 * 64)
    assert [layer.in_features for layer in discriminator.hidden] == [64 * 64, 1024, 512, 256]
    assert discriminator.last.out_features == 1


@pytest.mark.parametrize(("size", "channels"), [(32, 1), (64, 3), (48, 1)])
def test_shapes_and_range(size: int, channels: int) -> None:
    generator = DenseGenerator(size=size, channels=channels)
    masks = generator(generator.draw_latents(seeded(0, 1), CPU))
    assert masks.shape == (2, channels, size, size)
    assert float(masks.detach().abs().max()) <= 1
    discriminator = DenseDiscriminator(size=size, channels=channels)
    assert discriminator(masks, []).shape == (2,)


def test_a_latent_depends_on_its_generator_alone() -> None:
    network = DenseGenerator(size=16)
    assert torch.equal(network.draw_latents(seeded(0, 1, 2), CPU)[2], network.draw_latents(seeded(2), CPU)[0])


def test_dropout_comes_from_the_generator_passed_in() -> None:
    network = DenseDiscriminator(size=16, dropout=0.5)
    x = torch.randn(3, 1, 16, 16)

    def logits(seed: int) -> torch.Tensor:
        return network(x, network.draw_keep(3, seeded(seed)[0], CPU))

    assert torch.equal(logits(0), logits(0))
    assert not torch.equal(logits(0), logits(1))
    assert torch.equal(network(x, []), network(x, []))
    assert [tuple(mask.shape) for mask in network.draw_keep(3, seeded(0)[0], CPU)] == [
        (3, 1024),
        (3, 512),
        (3, 256),
        (3, 128),
    ]
    with pytest.raises(ValueError, match="1 dropout masks for 4 hidden blocks"):
        network(x, [torch.ones(3, 1024)])


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_a_mask_depends_on_its_latent_alone_when_drawn(norm: Literal["batch", "layer"]) -> None:
    network = DenseGenerator(size=16, norm=norm)
    z = torch.randn(8, 100, generator=seeded(0)[0])
    network(z)
    network.eval()
    torch.testing.assert_close(network(z)[3], network(z[3:4])[0])


def test_the_discriminator_sees_how_much_masks_of_a_batch_differ() -> None:
    network = DenseDiscriminator(size=16, minibatch_deviation=True)
    one = torch.randn(1, 1, 16, 16, generator=seeded(0)[0])
    others = torch.randn(4, 1, 16, 16, generator=seeded(1)[0])
    others[0] = one[0]
    assert not torch.allclose(network(one.expand(4, -1, -1, -1), [])[0], network(others, [])[0])
    plain = DenseDiscriminator(size=16)
    torch.testing.assert_close(plain(one.expand(4, -1, -1, -1), [])[0], plain(others, [])[0])


def test_tells_masks_apart() -> None:
    """A few steps suffice to tell filled from empty masks; gradients reach every weight of both networks."""
    generator, discriminator = DenseGenerator(size=16), DenseDiscriminator(size=16)
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=1e-3)
    masks = torch.cat([torch.ones(4, 1, 16, 16), -torch.ones(4, 1, 16, 16)])
    truth = torch.cat([torch.ones(4), torch.zeros(4)])
    random = seeded(0)[0]
    for _ in range(30):
        loss = F.binary_cross_entropy_with_logits(discriminator(masks, discriminator.draw_keep(8, random, CPU)), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert ((discriminator(masks, []) > 0).float() == truth).all()
    discriminator(generator(generator.draw_latents(seeded(0, 1), CPU)), []).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in generator.parameters())
    assert torch.equal(copy.deepcopy(discriminator)(masks, []), discriminator(masks, []))
