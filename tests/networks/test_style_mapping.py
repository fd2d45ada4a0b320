from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from segmint.networks.style_mapping import StyleMapping


def test_equals_eight_layers_over_a_normalised_latent() -> None:
    mapping = StyleMapping(6, 9)
    z = torch.randn(4, 6)
    x = z.double().numpy()
    x = x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-8)
    layers = list(mapping.layers)
    assert len(layers) == 8
    for layer in layers:
        weight, bias = layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()
        x = x @ (0.01 * weight / math.sqrt(weight.shape[1])).T + 0.01 * bias
        x = math.sqrt(2) * np.where(x > 0, x, 0.2 * x)
    assert np.allclose(mapping(z).detach().numpy(), x, atol=1e-5)


def test_the_length_of_the_latent_does_not_matter() -> None:
    mapping = StyleMapping(6, 9)
    z = torch.randn(4, 6)
    assert torch.allclose(mapping(z), mapping(7 * z), atol=1e-5)
    assert not torch.allclose(mapping(z), mapping(-z), atol=1e-2)


def test_sizes_of_layers() -> None:
    mapping = StyleMapping(6, 9, layers=3)
    assert [tuple(layer.weight.shape) for layer in mapping.layers] == [(9, 6), (9, 9), (9, 9)]
    assert mapping(torch.randn(2, 6)).shape == (2, 9)


def test_the_running_mean_moves_by_one_minus_its_decay() -> None:
    mapping = StyleMapping(4, 3, mean_decay=0.75)
    first, second = torch.randn(5, 3, requires_grad=True), torch.randn(2, 3)
    mapping.track_mean(first)
    assert torch.allclose(mapping.mean_latent, 0.25 * first.detach().mean(dim=0))
    mapping.track_mean(second)
    expected = 0.75 * 0.25 * first.detach().mean(dim=0) + 0.25 * second.mean(dim=0)
    assert torch.allclose(mapping.mean_latent, expected)
    assert not mapping.mean_latent.requires_grad
    assert StyleMapping(4, 3).mean_decay == 0.995


def test_the_running_mean_is_kept_with_the_weights_and_not_trained() -> None:
    mapping = StyleMapping(4, 3)
    assert "mean_latent" in mapping.state_dict()
    assert "mean_latent" not in dict(mapping.named_parameters())


def test_the_running_mean_finds_the_mean_of_w() -> None:
    mapping = StyleMapping(8, 4, layers=2, mean_decay=0.98)
    with torch.no_grad():
        for _ in range(300):
            mapping.track_mean(mapping(torch.randn(64, 8)))
        expected = mapping(torch.randn(20000, 8)).mean(dim=0)
    assert torch.allclose(mapping.mean_latent, expected, atol=0.05)


@pytest.mark.parametrize("truncation", [0.0, 0.5, 0.7, 1.0, 1.3])
def test_truncation_pulls_towards_the_mean(truncation: float) -> None:
    mapping = StyleMapping(4, 3)
    mapping.mean_latent.copy_(torch.tensor([1.0, -2.0, 0.5]))
    w = torch.randn(5, 3)
    expected = np.array([1.0, -2.0, 0.5]) * (1 - truncation) + truncation * w.numpy()
    assert np.allclose(mapping.truncate(w, truncation).numpy(), expected, atol=1e-6)
    if truncation == 1:
        assert mapping.truncate(w, truncation) is w
