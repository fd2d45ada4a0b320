from __future__ import annotations

import torch

from segmint.training.examination import diversity, pair_generator


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
