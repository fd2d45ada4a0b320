from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmint.data.slices import SliceSet
from segmint.errors import UserError
from segmint.evaluation import arm_pool
from segmint.evaluation.arm_pool import FLIPS, build_pool, choose_flips, choose_real, holding
from segmint.evaluation.arms import parse_arm
from segmint.evaluation.regime import Regime
from segmint.evaluation.synthetic_sets import SyntheticSet, open_synthetic_sets


@pytest.fixture(scope="module")
def synthetic_set(synthetic: Path, regime: Regime) -> SyntheticSet:
    ((one,), _) = open_synthetic_sets([synthetic], regime, [parse_arm("100F")])
    return one


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 30), st.integers(0, 3), st.integers(0, 100))
def test_flips_use_every_slice_evenly_and_no_copy_twice(n: int, rounds: int, rest: int) -> None:
    count = min(rounds * n + rest % n, 3 * n)
    indices = np.arange(100, 100 + n)
    flips = choose_flips(indices, count)
    copies = [(flip, int(i)) for flip in FLIPS for i in flips[flip]]
    assert len(copies) == len(set(copies)) == count
    times = np.bincount([i - 100 for _, i in copies], minlength=n)
    assert times.max() - times.min() <= 1
    sizes = [len(flips[flip]) for flip in FLIPS]
    assert max(sizes) - min(sizes) <= max(3, n // 3 + 1)


def test_100a_is_one_flip_of_each_and_300a_all_three() -> None:
    once, thrice = choose_flips(np.arange(9), 9), choose_flips(np.arange(9), 27)
    assert sorted(np.concatenate(list(once.values()))) == list(range(9))
    assert [len(once[flip]) for flip in FLIPS] == [3, 3, 3]
    assert all(thrice[flip].tolist() == list(range(9)) for flip in FLIPS)


def test_smaller_choices_lie_within_larger_and_depend_on_the_seed() -> None:
    indices = np.arange(50, 90)
    small, large = (set(choose_real(indices, n, seed=3).tolist()) for n in (8, 20))
    assert small < large <= set(indices.tolist())
    assert small != set(choose_real(indices, 8, seed=4).tolist())


@pytest.mark.parametrize(
    "name", ["100R", "100F", "100R+100F", "100R+300F", "100R+100A", "100R+300A", "50R+150F+20A", "100A"]
)
def test_pool_is_as_large_as_the_arm_says(
    name: str, regime: Regime, slices: SliceSet, synthetic_set: SyntheticSet
) -> None:
    arm = parse_arm(name)
    pool = build_pool(arm, real=slices, indices=regime.training, synthetic=synthetic_set, seed=1)
    assert len(pool) == arm.counts(len(regime.training)).total
    images, labels = pool.read(np.arange(len(pool)))
    assert images.shape == (len(pool), 1, 16, 16)
    assert labels.max() == 2


def test_f_is_the_first_pairs_and_r_all_training_slices(
    regime: Regime, slices: SliceSet, synthetic_set: SyntheticSet
) -> None:
    n = len(regime.training)
    pool = build_pool(parse_arm("100R+100F"), real=slices, indices=regime.training, synthetic=synthetic_set, seed=0)
    images, labels = pool.read(np.arange(2 * n))
    assert np.array_equal(images[:n], slices.images[regime.training])
    assert np.array_equal(images[n:], synthetic_set.slices.images[:n])
    assert np.array_equal(labels[n:], synthetic_set.slices.labels[:n])


def test_a_flips_images_and_labels_alike(regime: Regime, slices: SliceSet) -> None:
    n = len(regime.training)
    pool = build_pool(parse_arm("100R+300A"), real=slices, indices=regime.training, synthetic=None, seed=0)
    images, labels = pool.read(np.arange(4 * n))
    for place, axes in enumerate(((), (-1,), (-2,), (-2, -1))):
        block = slice(place * n, (place + 1) * n)
        assert np.array_equal(images[block], np.flip(slices.images[regime.training], axes))
        assert np.array_equal(labels[block], np.flip(slices.labels[regime.training], axes))


def test_a_flips_only_the_slices_of_r(regime: Regime, slices: SliceSet) -> None:
    pool = build_pool(parse_arm("20R+40A"), real=slices, indices=regime.training, synthetic=None, seed=5)
    chosen = set(pool.parts[0].indices.tolist())
    assert len(chosen) == 3
    assert {int(i) for part in pool.parts[1:] for i in part.indices} == chosen


def test_b_repeats_the_slices_with_a_label_evenly(regime: Regime, slices: SliceSet) -> None:
    held = holding(slices, regime.training, 2)
    assert len(held) > 0
    assert all((slices.labels[i] == 2).any() == (i in held) for i in regime.training)
    pool = build_pool(parse_arm("100R+250B"), real=slices, indices=regime.training, synthetic=None, seed=0, repeat=2)
    n = len(regime.training)
    extra = pool.parts[1].indices
    assert len(pool) == n + (250 * n + 50) // 100
    assert set(extra.tolist()) == set(held.tolist())
    times = np.bincount(np.searchsorted(held, extra))
    assert times.max() - times.min() <= 1


def test_b_repeats_only_slices_of_r(regime: Regime, slices: SliceSet) -> None:
    pool = build_pool(parse_arm("20R+100B"), real=slices, indices=regime.training, synthetic=None, seed=5, repeat=1)
    assert set(pool.parts[1].indices.tolist()) <= set(pool.parts[0].indices.tolist())


def test_nothing_to_repeat_is_said(regime: Regime, slices: SliceSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A random part of the real slices may hold none with the label."""
    monkeypatch.setattr(arm_pool, "holding", lambda *_: np.array([], dtype=np.int64))
    with pytest.raises(UserError, match="20R\\+100B has no real slice with tumour to repeat"):
        build_pool(parse_arm("20R+100B"), real=slices, indices=regime.training, synthetic=None, seed=5, repeat=2)
