from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.evaluation.folds import deal_folds, joined, note_few_tested, outer_splits


def split_of(train: int, validation: int, test: int) -> Split:
    names = [f"s{i:03d}" for i in range(train + validation + test)]
    return Split(tuple(names[:train]), tuple(names[train : train + validation]), tuple(names[train + validation :]))


@given(train=st.integers(2, 20), validation=st.integers(0, 6), test=st.integers(2, 12), folds=st.integers(2, 4))
@settings(deadline=None, max_examples=40)
def test_every_subject_is_tested_once_by_what_has_not_seen_it(
    train: int, validation: int, test: int, folds: int
) -> None:
    whole = split_of(train, validation, test)
    splits = outer_splits(whole, folds)
    assert sorted(subject for one in splits for subject in one.test) == sorted(whole.subjects)
    for one in splits:
        assert one.subjects == whole.subjects
        assert one.validation
        rest = len(one.train) + len(one.validation)
        assert abs(len(one.validation) - validation / (train + validation) * rest) <= 1
    sizes = [len(one.test) for one in splits]
    assert max(sizes) - min(sizes) <= 1
    assert splits == outer_splits(whole, folds)
    assert splits != outer_splits(whole, folds, seed=1) or len(whole.subjects) < 6


@given(pairs=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 14)), max_size=6), folds=st.integers(2, 4))
@settings(deadline=None, max_examples=60)
def test_subjects_that_go_together_are_never_dealt_apart(pairs: list[tuple[int, int]], folds: int) -> None:
    names = [f"s{i:03d}" for i in range(12)]
    # Numbers above 11 are subjects that are not dealt.
    together = [{f"s{i:03d}", f"s{j:03d}"} for i, j in pairs]
    parts = deal_folds(names, folds, seed=[0], together=together)
    assert sorted(subject for part in parts for subject in part) == names
    for one in together:
        assert sum(bool(one & set(part)) for part in parts) <= 1
    groups = joined(names, together)
    assert sorted(subject for group in groups for subject in group) == names
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= max(len(group) for group in groups)
    assert parts == deal_folds(names[::-1], folds, seed=[0], together=together[::-1])


def test_folds_are_dealt_as_ever_where_nobody_shares() -> None:
    """Gates that were begun before go on with the same folds."""
    assert deal_folds([f"s{i}" for i in range(7)], 2, seed=[0, 7]) == [("s1", "s2", "s4", "s6"), ("s0", "s3", "s5")]


def test_subjects_are_joined_through_others() -> None:
    assert joined("edcba", ["ac", "ce", "bz"]) == [("a", "c", "e"), ("b",), ("d",)]
    assert joined("edcba", ["bz", "zd"]) == [("a",), ("b", "d"), ("c",), ("e",)], "one patient under the name z too"


@pytest.mark.parametrize(("folds", "word"), [(1, "--folds 1: at least 2"), (9, "has 8 subjects; give at most 8")])
def test_folds_that_cannot_be_dealt_are_refused(folds: int, word: str) -> None:
    with pytest.raises(UserError, match=word):
        outer_splits(split_of(4, 1, 3), folds)


def test_says_what_folds_would_do_where_few_are_tested() -> None:
    assert note_few_tested(split_of(10, 2, 19)) == [
        "Only 19 of 31 subjects are tested: --folds 5 would test each of them once."
    ]
    assert note_few_tested(split_of(10, 2, 20)) == []


def test_advises_no_more_folds_than_there_are_subjects() -> None:
    assert note_few_tested(split_of(2, 1, 1)) == [
        "Only 1 of 4 subjects are tested: --folds 4 would test each of them once."
    ]
    assert len(outer_splits(split_of(2, 1, 1), 4)) == 4
    assert note_few_tested(split_of(1, 1, 1)) == ["Only 1 of 3 subjects are tested."]
