from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.conftest import draw_discs

from segmint.data.conditioned_pool import ConditionedPool
from segmint.data.dataset import open_dataset
from segmint.data.pool import PairPool, PoolPart
from segmint.data.slices import open_slices
from segmint.errors import UserError
from segmint.synthesis.mask_source import BalancedMasks, DeformedMasks, RealMasks, count_with


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> ConditionedPool:
    """Eight subjects of five slices, three of which hold no disc, with halos."""
    folder = draw_discs(tmp_path_factory.mktemp("masks") / "discs", slices=5, empty=3, halo=True)
    dataset = open_dataset(folder)
    slices = open_slices(dataset, size=32)
    return ConditionedPool(PairPool([PoolPart(slices, slices.indices(dataset.subjects))]), ["halo"])


def test_real_masks_come_once_before_any_comes_again(pool: ConditionedPool) -> None:
    source = RealMasks(pool)
    drawn = source.draw(range(len(pool)), seed=3)
    assert drawn.shape == (len(pool), 2, 32, 32)
    everything = pool.read_masks(np.arange(len(pool)))
    assert sorted(one.tobytes() for one in drawn) == sorted(one.tobytes() for one in everything)
    assert not np.array_equal(drawn, source.draw(range(len(pool)), seed=4))
    assert np.array_equal(source.draw([7], seed=3)[0], drawn[7])


def test_masks_in_their_own_order(pool: ConditionedPool) -> None:
    drawn = RealMasks(pool, shuffled=False).draw(range(5), seed=3)
    assert np.array_equal(drawn, pool.read_masks(np.arange(5)))


def test_deformed_masks_are_new_and_their_conditions_move_along(pool: ConditionedPool) -> None:
    real, deformed = RealMasks(pool), DeformedMasks(RealMasks(pool))
    before, after = real.draw(range(20), seed=0), deformed.draw(range(20), seed=0)
    with_disc = before[:, 0].any(axis=(1, 2))
    assert not any(np.array_equal(a, b) for a, b in zip(before[with_disc], after[with_disc], strict=True))
    assert np.array_equal(after[5], deformed.draw([5], seed=0)[0])
    # The disc lies inside its halo, before and after.
    assert not ((after[:, 0] > 0) & (after[:, 1] == 0)).any()


@pytest.mark.parametrize("kind", ["real", "deformed"])
@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_a_balance_gives_its_share(pool: ConditionedPool, kind: str, share: float) -> None:
    source = RealMasks(pool) if kind == "real" else DeformedMasks(RealMasks(pool))
    balanced = BalancedMasks(source, label=2, share=share)
    drawn = balanced.draw(range(100), seed=1)
    assert (drawn[:, 0] == 2).any(axis=(1, 2)).sum() == round(100 * share)
    assert np.array_equal(balanced.draw(range(30, 40), seed=1), drawn[30:40])


def test_the_share_holds_for_any_number_drawn() -> None:
    for share in (0.0, 0.18, 1 / 3, 0.5, 0.999, 1.0):
        for n in range(200):
            assert abs(count_with(n, share) - n * share) <= 0.5 + 1e-6
            assert count_with(n + 1, share) - count_with(n, share) in (0, 1)


def test_a_label_that_no_mask_has_cannot_be_balanced(tmp_path: Path) -> None:
    dataset = open_dataset(draw_discs(tmp_path / "discs", slices=2, empty=0))
    slices = open_slices(dataset, size=32)
    pool = ConditionedPool(PairPool([PoolPart(slices, slices.indices(dataset.subjects))]))
    with pytest.raises(UserError, match="no mask without label 2"):
        BalancedMasks(RealMasks(pool), label=2, share=0.5)
