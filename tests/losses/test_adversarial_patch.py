from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from segmint.losses.adversarial_patch import AdversarialKind, discriminator_adversarial, generator_adversarial

KINDS: list[AdversarialKind] = ["bce", "least-squares", "hinge"]


def patches(seed: int) -> torch.Tensor:
    return torch.randn(2, 1, 5, 5, generator=torch.Generator().manual_seed(seed)) * 3


def test_bce_is_the_cross_entropy_of_patches() -> None:
    real, fake = patches(0), patches(1)
    ones, zeros = torch.ones_like(real), torch.zeros_like(fake)
    expected = F.binary_cross_entropy_with_logits(real, ones) + F.binary_cross_entropy_with_logits(fake, zeros)
    assert torch.allclose(discriminator_adversarial("bce", real, fake), expected)
    assert torch.allclose(generator_adversarial("bce", fake), F.binary_cross_entropy_with_logits(fake, ones))


def test_hinge_values() -> None:
    real, fake = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-3.0, 0.0, 1.0])
    assert float(discriminator_adversarial("hinge", real, fake)) == pytest.approx((0 + 0.5 + 2) / 3 + (0 + 1 + 2) / 3)
    assert float(generator_adversarial("hinge", fake)) == pytest.approx(2 / 3)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_point_the_right_way(kind: AdversarialKind) -> None:
    real, fake = torch.zeros(2, 1, 3, 3, requires_grad=True), torch.full((2, 1, 3, 3), 0.5, requires_grad=True)
    discriminator_adversarial(kind, real, fake).backward()
    assert real.grad is not None
    assert fake.grad is not None
    assert (real.grad < 0).all()
    assert (fake.grad > 0).all()
    again = torch.zeros(2, 1, 3, 3, requires_grad=True)
    generator_adversarial(kind, again).backward()
    assert again.grad is not None
    assert (again.grad < 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_mean_over_patches(kind: AdversarialKind) -> None:
    """More patches of the same logits change nothing."""
    real, fake = patches(0), patches(1)
    assert torch.allclose(
        discriminator_adversarial(kind, real.repeat(1, 1, 2, 2), fake.repeat(1, 1, 2, 2)),
        discriminator_adversarial(kind, real, fake),
    )


def test_no_overflow() -> None:
    far = torch.full((1, 1, 2, 2), 1e4)
    for kind in KINDS:
        assert torch.isfinite(discriminator_adversarial(kind, -far, far))
        assert torch.isfinite(generator_adversarial(kind, -far))
