from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
import torch
from scipy import stats

from segmint.metrics.dice import dice, overlap_counts
from segmint.metrics.ensemble_uncertainty import (
    disagreement,
    image_sum,
    image_tenth,
    jensen_shannon,
    vote_shares,
)


def members(n: int = 2, count: int = 5, labels: int = 4, side: int = 6, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(n, count, labels, side, side, generator=generator) * 3).softmax(dim=2)


def test_the_vote_is_the_mode_and_ties_go_to_the_smaller_id() -> None:
    probabilities = members(count=4)
    shares = vote_shares(probabilities)
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(2, 6, 6))
    expected = stats.mode(probabilities.numpy().argmax(axis=2), axis=1).mode
    assert np.array_equal(shares.argmax(dim=1).numpy(), expected)
    split = torch.tensor([[[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
    assert int(vote_shares(split).argmax(dim=1)) == 1


def test_the_divergence_is_the_mean_distance_to_the_mixture() -> None:
    probabilities = members()
    found = jensen_shannon(probabilities).numpy()
    for place in np.ndindex(found.shape):
        n, row, column = place
        each = probabilities[n, :, :, row, column].numpy().astype(np.float64)
        expected = np.mean([stats.entropy(one, each.mean(axis=0)) for one in each])
        assert found[place] == pytest.approx(expected, abs=1e-6)


def test_the_divergence_lies_between_agreement_and_complete_discord() -> None:
    agreeing = members(count=1).expand(-1, 5, -1, -1, -1)
    assert jensen_shannon(agreeing).abs().max() < 1e-6
    discordant = torch.eye(3)[None, :, :, None, None]
    assert float(jensen_shannon(discordant)) == pytest.approx(math.log(3))


def test_an_image_is_scored_by_all_pixels_or_by_the_least_certain_tenth() -> None:
    uncertainty = torch.rand(3, 10, 10, generator=torch.Generator().manual_seed(0))
    plain = uncertainty.numpy().reshape(3, -1)
    assert np.allclose(image_sum(uncertainty).numpy(), plain.sum(axis=1))
    assert np.allclose(image_tenth(uncertainty).numpy(), np.sort(plain, axis=1)[:, -10:].mean(axis=1))
    assert np.allclose(
        image_tenth(uncertainty[:, :2, :2]).numpy(), plain.reshape(3, 10, 10)[:, :2, :2].max(axis=(1, 2))
    )


def of_maps(*maps: list[int], labels: int = 4) -> torch.Tensor:
    """One image of one row of pixels whose members are sure of these maps."""
    return torch.nn.functional.one_hot(torch.tensor(maps), labels).mT[None, :, :, None, :].float()


def test_disagreement_is_one_less_the_mean_dice_of_two_members() -> None:
    probabilities = members(n=3, count=4)
    maps = probabilities.argmax(dim=2).numpy().astype(np.uint8)
    for found, each in zip(disagreement(probabilities).tolist(), maps, strict=True):
        pairs = [dice(overlap_counts(a[None], b[None], label_count=4))[1:] for a, b in combinations(each, 2)]
        assert found == pytest.approx(1 - np.mean(pairs), abs=1e-6)


def test_labels_that_no_member_gives_do_not_count_and_two_without_one_agree_on_it() -> None:
    assert float(disagreement(of_maps([0, 1, 1, 0], [0, 1, 1, 0]))) == 0
    assert float(disagreement(of_maps([0, 0, 0, 0], [0, 0, 0, 0]))) == 0
    assert float(disagreement(of_maps([0, 1, 0, 0], [0, 0, 2, 0]))) == 1
    # Of three pairs of members two differ in a pixel that one alone labels.
    assert float(disagreement(of_maps([0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]))) == pytest.approx(2 / 3)


def test_disagreement_does_not_grow_with_the_area_that_is_labelled() -> None:
    small = of_maps([1, 1, 0, 0] + [0] * 12, [0, 1, 1, 0] + [0] * 12)
    large = of_maps([1] * 8 + [0] * 8, [0] * 4 + [1] * 8 + [0] * 4)
    torch.testing.assert_close(disagreement(small), disagreement(large))
    assert float(image_sum(jensen_shannon(large))) > float(image_sum(jensen_shannon(small)))
