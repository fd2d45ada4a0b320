from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.evaluation.arms import Arm
from segmint.evaluation.gate import candidate_arms, inner_splits


def names(n: int) -> tuple[str, ...]:
    return tuple(f"s{i:03d}" for i in range(n))


@given(n=st.integers(4, 30), folds=st.integers(2, 4), seed=st.integers(0, 5))
@settings(deadline=None, max_examples=40)
def test_every_labelled_subject_is_tested_once_and_no_test_subject_is_touched(n: int, folds: int, seed: int) -> None:
    split = Split(names(n + 3), ("v0", "v1"), ("t0", "t1"))
    labelled = names(n)
    inner = inner_splits(split, labelled, folds=folds, seed=seed)
    assert len(inner) == folds
    assert sorted(subject for one in inner for subject in one.test) == sorted(labelled)
    for one in inner:
        assert set(one.train) | set(one.test) == set(labelled)
        assert not set(one.train) & set(one.test)
        assert one.validation == split.validation
        assert not one.subjects & set(split.test)
    sizes = [len(one.test) for one in inner]
    assert max(sizes) - min(sizes) <= 1
    assert inner == inner_splits(split, labelled[::-1], folds=folds, seed=seed)


@pytest.mark.parametrize(("n", "folds", "word"), [(3, 2, "at least 4"), (4, 5, "at least 5"), (10, 1, "at least 2")])
def test_too_few_subjects_or_folds_are_refused(n: int, folds: int, word: str) -> None:
    with pytest.raises(UserError, match=word):
        inner_splits(Split(names(n)), names(n), folds=folds)


def test_subjects_who_share_images_are_on_one_side() -> None:
    split, labelled = Split(names(8), ("v0",), ("t0",)), names(8)
    marks = {"11": {"s000", "s003"}, "22": {"s003", "s006"}, "33": {"s001", "v0"}, "44": {"s002"}, "55": {"s005", "v0"}}
    for seed in range(10):
        for one in inner_splits(split, labelled, seed=seed, marks=marks):
            shared = {"s000", "s003", "s006"}
            assert shared <= set(one.test) or shared <= set(one.train)
            assert len({"s001", "s005"} & set(one.test)) in (0, 2)
            assert len(one.test) == 4
            assert one.validation == ("v0",)
    assert inner_splits(split, labelled, marks={"44": {"s002"}}) == inner_splits(split, labelled)


def test_subjects_who_share_images_count_as_one() -> None:
    marks = {"11": set(names(3))}
    assert len(inner_splits(Split(names(6)), names(6), marks=marks)) == 2
    with pytest.raises(
        UserError, match="here are 5, which count as 3, as some have the same images, pixel by pixel: leave"
    ):
        inner_splits(Split(names(5)), names(5), marks=marks)


@pytest.mark.parametrize("shares", [(), (0,), (25, 25)])
def test_shares_that_make_no_sense_are_refused(shares: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"--gate-shares"):
        candidate_arms(shares)


def test_candidates_add_pairs_to_all_real_slices() -> None:
    assert candidate_arms((300, 25)) == (Arm(real=100, synthetic=25), Arm(real=100, synthetic=300))
