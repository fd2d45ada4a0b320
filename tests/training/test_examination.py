from __future__ import annotations

import math

import pytest
import torch

from segmint.training.examination import Variety, diversity, pair_generator


def test_each_pair_has_numbers_of_its_own() -> None:
    draws = {tuple(torch.rand(2, generator=pair_generator(seed, i)).tolist()) for seed in range(4) for i in range(50)}
    assert len(draws) == 200
    again = torch.rand(2, generator=pair_generator(3, 49))
    assert tuple(again.tolist()) in draws


def test_diversity_of_copies_is_zero_and_grows_with_spread() -> None:
    generator = torch.Generator().manual_seed(0)
    one = torch.randn(1, 2, 16, 16, generator=generator)
    many = torch.randn(6, 2, 16, 16, generator=generator)
    assert diversity(one.expand(6, -1, -1, -1)) < 1e-3
    assert diversity(2 * many) > 1.9 * diversity(many) > 0


def test_fakes_are_held_against_the_real_samples_that_differ_more() -> None:
    generator = torch.Generator().manual_seed(0)
    some = torch.randn(12, 2, 16, 16, generator=generator)
    assert Variety.of([some[:5], some[5:]], [0.01 * some]).share(some) == pytest.approx(1)
    # One mask repeated in training: fakes that repeat it differ less than validation samples do.
    repeated = some[:1].expand(12, -1, -1, -1)
    variety = Variety.of([repeated], [some])
    assert variety.share(repeated) < 1e-3
    assert variety.training_share < 1e-3
    # One validation sample says nothing of how validation samples differ, but how far it is from those of training.
    alone = Variety.of([some[1:]], [some[:1]])
    assert alone.share(some[1:]) == pytest.approx(1)
    assert alone.training_share == pytest.approx(1, abs=0.2)
    assert Variety.of([repeated], [some[1:2]]).training_share < 1e-3
    assert math.isnan(Variety.of([some[:1]], [some[:1]]).share(some))
