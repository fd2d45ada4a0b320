from __future__ import annotations

import torch

from segmint.networks.dropout import apply_keep, draw_keep_batch, draw_keep_each

CPU = torch.device("cpu")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_masks_of_a_sample_depend_on_its_generator_alone() -> None:
    shapes = [(4, 2, 2), (6, 8, 8)]
    together = draw_keep_each(shapes, 0.5, [seeded(i) for i in range(3)], CPU)
    alone = draw_keep_each(shapes, 0.5, [seeded(2)], CPU)
    assert [tuple(mask.shape) for mask in together] == [(3, *shape) for shape in shapes]
    assert all(torch.equal(many[2], one[0]) for many, one in zip(together, alone, strict=True))
    assert not torch.equal(together[1][0], together[1][1])


def test_the_rate_is_the_share_of_zeros() -> None:
    (keep,) = draw_keep_batch([(10_000,)], 0.3, 4, seeded(0), CPU)
    assert set(keep.unique().tolist()) == {0.0, 1.0}
    assert abs(float(keep.mean()) - 0.7) < 0.01


def test_the_mean_stays() -> None:
    (keep,) = draw_keep_batch([(100_000,)], 0.3, 1, seeded(0), CPU)
    assert abs(float(apply_keep(torch.ones(1, 100_000), keep, 0.3).mean()) - 1) < 0.01
    assert apply_keep(torch.ones(1, 4), torch.tensor([[1.0, 0, 1, 0]]), 0.5).tolist() == [[2, 0, 2, 0]]
