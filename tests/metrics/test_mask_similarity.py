"""Dice between many masks, held against scikit-learn."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import f1_score

from segmint.metrics import mask_similarity
from segmint.metrics.mask_similarity import DIRECTION, NAME, RANGE, distinct_masks, nearest_masks, pairwise_dice

LABELS = 4
sets = hnp.arrays(np.uint8, st.tuples(st.integers(1, 4), st.just(3), st.just(4)), elements=st.integers(0, LABELS - 1))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("labels", [2, LABELS])
def test_agrees_with_scikit_learn(labels: int, rng: np.random.Generator) -> None:
    first, second = rng.integers(0, labels, (5, 8, 9)), rng.integers(0, labels, (7, 8, 9))
    ours = pairwise_dice(first.astype(np.uint8), second.astype(np.uint8))
    theirs = [[f1_score(a.ravel(), b.ravel(), average="micro", labels=range(1, labels)) for a in second] for b in first]
    assert ours.shape == (5, 7)
    assert np.allclose(ours, theirs, atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(sets, sets)
def test_symmetry_range_and_identity(first: np.ndarray, second: np.ndarray) -> None:
    dice = pairwise_dice(first, second)
    assert np.array_equal(dice, pairwise_dice(second, first).T, equal_nan=True)
    empty = ~first.any(axis=(1, 2))[:, None] & ~second.any(axis=(1, 2))[None]
    assert np.array_equal(np.isnan(dice), empty)
    assert ((dice[~empty] >= RANGE[0]) & (dice[~empty] <= RANGE[1])).all()
    own = np.diagonal(pairwise_dice(first, first))
    assert (own[first.any(axis=(1, 2))] == 1).all()


@pytest.mark.parametrize("block", [1, 3, 512])
def test_blocks_change_nothing(block: int, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (rng.integers(0, 3, (n, 6, 6)).astype(np.uint8) for n in (7, 8))
    second[2] = 0
    whole, nearest = pairwise_dice(first, second), nearest_masks(first, second)
    monkeypatch.setattr(mask_similarity, "_BLOCK", block)
    assert np.array_equal(pairwise_dice(first, second), whole)
    assert np.array_equal(nearest_masks(first, second).positions, nearest.positions)
    assert np.array_equal(nearest.positions, whole.argmax(axis=1))
    assert np.array_equal(nearest.dice, whole.max(axis=1))


def test_masks_of_one_group_are_not_compared(rng: np.random.Generator) -> None:
    masks = rng.integers(0, 2, (6, 5, 5)).astype(np.uint8)
    groups = np.array([0, 0, 1, 1, 2, 2])
    found = nearest_masks(masks, masks, groups=(groups, groups))
    assert (groups[found.positions] != groups).all()
    same = np.zeros(6, dtype=np.int64)
    nothing = nearest_masks(masks, masks, groups=(same, same))
    assert (nothing.positions == -1).all()
    assert np.isnan(nothing.dice).all()


def test_distinct_masks_beyond_a_dice() -> None:
    square = np.zeros((4, 10, 10), dtype=np.uint8)
    square[:2, 0:6, 0:6] = 1
    square[1, 6, 0] = 1  # Dice 72/73 with the first
    square[2, 4:, 4:] = 1
    assert distinct_masks(square, dice=0.95).tolist() == [0, 2, 3]
    assert distinct_masks(square, dice=0.99).tolist() == [0, 1, 2, 3]
    assert distinct_masks(square, dice=0.95, groups=np.array([0, 0, 1, 2])).tolist() == [0, 1, 2, 3]
    assert distinct_masks(np.repeat(square[:1], 5, axis=0), dice=0.95).tolist() == [0]


def test_two_hundred_against_two_thousand_take_seconds(rng: np.random.Generator) -> None:
    first, second = (rng.integers(0, 2, (n, 64, 64)).astype(np.uint8) for n in (200, 2000))
    began = time.perf_counter()
    pairwise_dice(first, second)
    assert time.perf_counter() - began < 8
    assert (NAME, DIRECTION) == ("mask_dice", "as real")


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (np.zeros((2, 3, 3), int), np.zeros((2, 3, 4), int), "one grid"),
        (np.zeros((3, 3), int), np.zeros((3, 3), int), "one grid"),
        (np.zeros((2, 3, 3)), np.zeros((2, 3, 3), int), "integer"),
    ],
)
def test_refuses_what_are_no_masks(first: np.ndarray, second: np.ndarray, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        pairwise_dice(first, second)
