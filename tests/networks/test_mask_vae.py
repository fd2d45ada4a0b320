from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from segmint.losses.kl_divergence import kl_divergence
from segmint.networks.mask_vae import MaskAutoencoder, MaskVAE, level_widths

CPU = torch.device("cpu")


def seeded(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def squares(n: int, side: int = 16) -> Tensor:
    """One-hot maps of one square each, whose place and size differ."""
    generator = torch.Generator().manual_seed(3)
    ids = torch.zeros(n, side, side, dtype=torch.long)
    for i in range(n):
        row, column, width = torch.randint(2, 8, (3,), generator=generator).tolist()
        ids[i, row : row + width, column : column + width] = 1
    return F.one_hot(ids, 2).permute(0, 3, 1, 2).float()


def test_widths_grow_by_level() -> None:
    assert level_widths(64, 32) == (32, 64, 96, 128, 160)
    assert level_widths(48, 8) == (8, 16, 24, 32)
    for size in (3, 36, 100):
        with pytest.raises(ValueError, match=f"power of two, not {size}"):
            level_widths(size, 8)


@pytest.mark.parametrize(("size", "labels"), [(16, 2), (48, 3), (64, 4)])
def test_shapes(size: int, labels: int) -> None:
    network = MaskVAE(size=size, labels=labels, latent_size=5, width=4)
    maps = torch.rand(2, labels, size, size).softmax(dim=1)
    logits, mean, log_variance = network(maps, network.draw_latents(seeded(0, 1), CPU))
    assert logits.shape == maps.shape
    assert mean.shape == log_variance.shape == (2, 5)
    rebuilt, code = MaskAutoencoder(size=size, labels=labels, code_size=6, width=4)(maps)
    assert rebuilt.shape == maps.shape
    assert torch.allclose(rebuilt.sum(dim=1), torch.ones(2, size, size), atol=1e-5)
    assert code.shape == (2, 6)


def test_variances_stay_finite_however_far_the_encoder_goes() -> None:
    """A training came to 1e31 nats in one step, and stayed there."""
    vae = MaskVAE(size=16, labels=2, latent_size=3, width=2)
    with torch.no_grad():
        vae.encoder.linear.bias.fill_(1e4)
    _, log_variance = vae.encode(squares(2))
    assert log_variance.max() <= 10
    small = torch.linspace(-1, 1, 6)
    with torch.no_grad():
        vae.encoder.linear.weight.zero_()
        vae.encoder.linear.bias.copy_(small)
    assert torch.allclose(vae.encode(squares(1))[1], small[3:], atol=0.01), "usual ones are as they were"


def test_drawn_masks_depend_on_their_generator_alone() -> None:
    network = MaskVAE(size=16, labels=2, latent_size=5, width=4)
    together = network.decode(network.draw_latents(seeded(0, 1, 2), CPU))
    assert torch.allclose(together[2], network.decode(network.draw_latents(seeded(2), CPU))[0], atol=1e-6)
    assert not torch.allclose(together[2], together[1], atol=1e-4)


def test_learns_masks() -> None:
    """Reconstructs squares it was shown far better than the best constant map does; copies alike."""
    network = MaskVAE(size=16, labels=2, latent_size=8, width=8)
    maps = squares(16)
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    generator = seeded(0)[0]
    for _ in range(70):
        logits, mean, log_variance = network(maps, torch.randn(16, 8, generator=generator))
        entropy = F.cross_entropy(logits, maps, reduction="sum") / len(maps)
        loss = entropy + 0.1 * kl_divergence(mean, log_variance)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    share = maps.mean(dim=0)
    constant = float(-(share * share.clamp_min(1e-6).log()).sum())
    assert entropy.item() < constant / 2
    assert all(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in network.parameters())
    z = network.draw_latents(seeded(0), CPU)
    assert torch.equal(copy.deepcopy(network).decode(z), network.decode(z))


def test_gradients_of_the_discriminator_reach_the_vae() -> None:
    network, critic = MaskVAE(size=16, labels=2, latent_size=4, width=4), MaskAutoencoder(size=16, labels=2, width=4)
    fakes = network.decode(network.draw_latents(seeded(0, 1), CPU)).softmax(dim=1)
    rebuilt, code = critic(fakes)
    ((rebuilt - fakes).abs().mean() + code.square().mean()).backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in network.decoder.parameters())
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in critic.parameters())
