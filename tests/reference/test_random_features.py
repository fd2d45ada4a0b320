"""Random features: what they do not change by, what they do, and the search in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from segmint.reference.feature_distance import FeatureSearch, features_of
from segmint.reference.random_features import WIDTHS, RandomFeatures
from segmint.reference.whitening import Whitening


def test_the_same_seed_gives_the_same_features_and_brightness_does_not_count(images: Callable[..., Any]) -> None:
    pictures = torch.from_numpy(images(4, channels=3))
    first, second, other = (RandomFeatures(3, seed=seed)(pictures) for seed in (1, 1, 2))
    assert first.shape == (4, 2 * sum(WIDTHS))
    assert torch.equal(first, second)
    assert not torch.allclose(first, other)
    assert torch.allclose(RandomFeatures(3, seed=1)(pictures * 0.5 - 0.1), first, rtol=0.02, atol=1e-3)
    assert RandomFeatures(3, cells=4)(pictures).shape == (4, 16 * sum(WIDTHS))


@pytest.mark.parametrize("damage", ["noise", "blur"])
def test_more_damage_is_further_away(damage: str, images: Callable[..., Any]) -> None:
    from segmint.reference.registration import smoothed

    pictures = torch.from_numpy(images(20))
    network, noise = RandomFeatures(1), torch.from_numpy(np.random.default_rng(0).normal(size=pictures.shape)).float()
    whitening = Whitening(network(pictures))
    spoilt = [
        pictures + level * noise if damage == "noise" else smoothed(pictures, 4 * level) for level in (0.1, 0.2, 0.4)
    ]
    away = [float((whitening(network(one)) - whitening(network(pictures))).norm(dim=1).mean()) for one in spoilt]
    assert away == sorted(away)
    assert away[0] > 0


def test_whitened_features_have_a_mean_of_0_and_a_spread_of_at_most_1() -> None:
    drawn = torch.from_numpy(np.random.default_rng(0).normal(size=(500, 10)) * np.arange(1, 11) + 5).float()
    white = Whitening(drawn)(drawn)
    assert torch.allclose(white.mean(dim=0), torch.zeros(10), atol=1e-4)
    assert white.std(dim=0).max() <= 1
    assert white.std(dim=0).min() > 0.6


def test_turned_and_mirrored_copies_are_at_no_distance(images: Callable[..., Any]) -> None:
    pictures = images(40)
    network = RandomFeatures(1, cells=4)
    search = FeatureSearch(network, pictures, np.arange(30))
    turned = np.ascontiguousarray(np.rot90(np.flip(pictures, -1), 1, (-2, -1)))
    distances = search.nearest(turned, np.arange(40))
    assert distances[:30].max() < 0.1 < distances[30:].min()
    assert features_of(network, pictures, np.arange(33)).shape[0] == 33
