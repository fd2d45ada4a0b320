from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd.functional import jacobian

from segmint.losses.path_length import path_length_penalty, path_lengths

LAYERS, STYLE, CHANNELS, SIDE = 3, 2, 2, 4


class BentGenerator:
    """Each sample's output depends on its own styles alone, not linearly, so that the Jacobian differs by sample."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.weight = torch.randn(
            LAYERS * STYLE, CHANNELS * SIDE * SIDE, dtype=torch.float64, generator=generator
        ).requires_grad_(True)

    def __call__(self, styles: Tensor) -> Tensor:
        mixed = styles.flatten(1) @ self.weight
        return (mixed + 0.3 * mixed.sin()).view(-1, CHANNELS, SIDE, SIDE)


def draw(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_equals_the_explicit_jacobian() -> None:
    """Equation 4: |J^T y| of each sample, y = noise / sqrt(pixels), squared lengths averaged over the layers."""
    network = BentGenerator()
    styles, noise = draw(5, LAYERS, STYLE, seed=1), draw(5, CHANNELS, SIDE, SIDE, seed=2)
    expected = []
    for style, y in zip(styles, noise, strict=True):
        matrix = jacobian(lambda s: network(s[None])[0].flatten(), style).reshape(-1, LAYERS, STYLE)
        product = torch.einsum("p,pls->ls", y.flatten() / SIDE, matrix)
        expected.append(product.square().sum(dim=1).mean().sqrt())
    styles.requires_grad_(True)
    lengths = path_lengths(network(styles), styles, noise)
    assert lengths.shape == (5,)
    assert torch.allclose(lengths, torch.stack(expected))


def test_lengths_of_a_linear_generator_do_not_depend_on_the_style() -> None:
    scale = 3.0
    noise = draw(1, CHANNELS, SIDE, SIDE, seed=2).expand(4, -1, -1, -1)
    styles = draw(4, 1, CHANNELS * SIDE * SIDE, seed=1).requires_grad_(True)
    lengths = path_lengths(scale * styles.view(4, CHANNELS, SIDE, SIDE), styles, noise)
    expected = scale * noise[0].norm() / SIDE
    assert torch.allclose(lengths, expected.expand(4))


def test_its_gradient_reaches_the_generator() -> None:
    network = BentGenerator()
    styles, noise = draw(2, LAYERS, STYLE, seed=1).requires_grad_(True), draw(2, CHANNELS, SIDE, SIDE, seed=2)

    def penalty() -> Tensor:
        return path_length_penalty(path_lengths(network(styles), styles, noise), torch.tensor(0.7).double())[0]

    # The running mean is a constant to the gradient, so it is held while differences are taken.
    lengths = path_lengths(network(styles), styles, noise)
    _, mean = path_length_penalty(lengths, torch.tensor(0.7).double())
    penalty().backward()
    assert network.weight.grad is not None
    step = 1e-6
    for place in [(0, 0), (2, 7), (5, 31)]:
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                network.weight[place] += sign * step
            values.append((path_lengths(network(styles), styles, noise) - mean).square().mean().item())
            with torch.no_grad():
                network.weight[place] -= sign * step
        assert (values[0] - values[1]) / (2 * step) == pytest.approx(network.weight.grad[place].item(), rel=1e-4)


def test_the_penalty_is_the_squared_distance_from_the_new_running_mean() -> None:
    lengths = torch.tensor([1.0, 3.0], requires_grad=True)
    penalty, mean = path_length_penalty(lengths, torch.tensor(1.0), decay=0.5)
    assert float(mean) == pytest.approx(1.5)
    assert float(penalty.detach()) == pytest.approx((0.25 + 2.25) / 2)
    assert not mean.requires_grad
    penalty.backward()
    # The mean is no way for the gradient: d/dl mean((l - m)^2) = l - m for two samples.
    assert torch.allclose(lengths.grad, torch.tensor([-0.5, 1.5]))


def test_the_running_mean_moves_by_a_hundredth() -> None:
    mean = torch.tensor(0.0)
    for number in range(1, 4):
        _, mean = path_length_penalty(torch.full((4,), 2.0), mean)
        assert float(mean) == pytest.approx(2 * (1 - 0.99**number))
