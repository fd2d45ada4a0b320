from __future__ import annotations

import pytest
import torch
from torch import Tensor

from segmint.losses.gradient_penalty import r1_penalty

SHAPE = (2, 3, 3)
PIXELS = 18


def quadratic(seed: int = 0) -> tuple[Tensor, Tensor]:
    """Symmetric A and b of the discriminator D(x) = x A x / 2 + b x, whose gradient is A x + b."""
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn(PIXELS, PIXELS, dtype=torch.float64, generator=generator)
    return matrix + matrix.T, torch.randn(PIXELS, dtype=torch.float64, generator=generator)


def judge(x: Tensor, matrix: Tensor, vector: Tensor) -> Tensor:
    flat = x.flatten(1)
    return ((flat @ matrix) * flat).sum(dim=1) / 2 + flat @ vector


def reals(n: int = 4) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(n, *SHAPE, dtype=torch.float64, generator=generator)


def test_equals_the_analytic_gradient_of_a_quadratic_discriminator() -> None:
    matrix, vector = quadratic()
    x = reals().requires_grad_(True)
    expected = (x.flatten(1) @ matrix + vector).square().sum(dim=1).mean()
    assert r1_penalty(judge(x, matrix, vector), x).item() == pytest.approx(expected.item(), rel=1e-6)


def test_equals_finite_differences() -> None:
    matrix, vector = quadratic()
    x, step = reals(2), 1e-5
    total = 0.0
    for sample in x:
        for pixel in range(PIXELS):
            nudge = torch.zeros(PIXELS, dtype=torch.float64)
            nudge[pixel] = step
            above, below = (judge((sample + s * nudge.view(SHAPE))[None], matrix, vector) for s in (1, -1))
            total += float((above - below) / (2 * step)) ** 2
    x.requires_grad_(True)
    assert r1_penalty(judge(x, matrix, vector), x).item() == pytest.approx(total / 2, rel=1e-4)


def test_its_gradient_reaches_the_discriminator() -> None:
    """d/db of mean |A x + b|^2 is 2 mean(A x + b)."""
    matrix, vector = quadratic()
    vector.requires_grad_(True)
    x = reals().requires_grad_(True)
    r1_penalty(judge(x, matrix, vector), x).backward()
    expected = 2 * (x.flatten(1) @ matrix + vector).mean(dim=0)
    assert vector.grad is not None
    assert torch.allclose(vector.grad, expected, rtol=1e-5)


def test_a_flat_discriminator_has_no_penalty() -> None:
    x = reals().requires_grad_(True)
    flat = judge(x, torch.zeros(PIXELS, PIXELS).double(), torch.zeros(PIXELS).double())
    assert r1_penalty(flat, x).item() == 0


def test_samples_are_averaged_not_summed() -> None:
    matrix, vector = quadratic()
    once = reals(1).requires_grad_(True)
    often = reals(1).repeat(5, 1, 1, 1).requires_grad_(True)
    single = r1_penalty(judge(once, matrix, vector), once).item()
    assert r1_penalty(judge(often, matrix, vector), often).item() == pytest.approx(single, rel=1e-6)
