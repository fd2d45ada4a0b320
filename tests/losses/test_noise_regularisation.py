from __future__ import annotations

import pytest
import torch

from segmint.losses.noise_regularisation import noise_correlation, standardise


def test_unit_noise_is_hardly_correlated_and_a_picture_is() -> None:
    noise = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    picture = torch.linspace(-1, 1, 32).view(1, 1, 1, 32).expand(1, 1, 32, 32) * 3**0.5
    assert noise_correlation([noise]).max() < 0.2
    assert float(noise_correlation([picture])) > 100


def test_a_map_of_constant_ones() -> None:
    """At 8 x 8 there is one size; at 16 x 16 a second, whose values are doubled, so that each product is 4."""
    assert noise_correlation([torch.ones(1, 1, 8, 8)]).tolist() == [2]
    assert noise_correlation([torch.ones(1, 1, 16, 16)]).tolist() == [2 + 2 * 16]
    assert noise_correlation([torch.ones(2, 1, 4, 4), torch.ones(2, 1, 8, 8)]).tolist() == [4, 4]


def test_maps_are_made_unit_noise_again_sample_by_sample() -> None:
    maps = torch.randn(2, 1, 8, 8) * torch.tensor([3.0, 0.1]).view(2, 1, 1, 1) + 5
    standardise([maps])
    assert maps.mean(dim=(1, 2, 3)).abs().max() < 1e-5
    assert maps.var(dim=(1, 2, 3), unbiased=False).tolist() == pytest.approx([1, 1], abs=1e-3)
