from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.evaluation.arms import Arm
from segmint.evaluation.gate import SHARES, candidate_arms, choose, inner_splits
from segmint.evaluation.statistics import bootstrap_difference

SMALL, MIDDLE, LARGE = candidate_arms(SHARES)


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


@pytest.mark.parametrize("shares", [(), (0,), (25, 25)])
def test_shares_that_make_no_sense_are_refused(shares: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"--gate-shares"):
        candidate_arms(shares)


def test_candidates_add_pairs_to_all_real_slices() -> None:
    assert candidate_arms((300, 25)) == (Arm(real=100, synthetic=25), Arm(real=100, synthetic=300))


def test_takes_the_largest_certain_gain() -> None:
    rng = np.random.default_rng(0)
    real = rng.normal(0.7, 0.1, (2, 12))
    small = real + 0.03 + rng.normal(0, 0.01, real.shape)
    middle = real + 0.02 + rng.normal(0, 0.005, real.shape)
    # Gains most, but on some subjects only.
    large = real + np.where(np.arange(12) < 3, 0.3, -0.03)
    choice = choose([(SMALL, small), (MIDDLE, middle), (LARGE, large)], real)
    assert choice.arm == SMALL
    assert choice.opened
    assert choice.best.arm == LARGE
    assert choice.subjects == 12
    assert choice.sentence.startswith("The gate chose 100R+25F of 3 shares, cross-validated on 12 training subjects (")
    assert "100R+25F +3" in choice.sentence, "the numbers are those of what was chosen"


def test_adds_nothing_where_no_gain_is_certain() -> None:
    rng = np.random.default_rng(1)
    real = rng.normal(0.7, 0.1, (2, 10))
    worse, unclear = real - 0.1, real + 0.01 + rng.normal(0, 0.08, real.shape)
    choice = choose([(SMALL, unclear), (LARGE, worse)], real)
    assert choice.arm == Arm(real=100)
    assert not choice.opened
    assert choice.sentence.startswith("The gate added no synthetic pairs: of 2 shares, cross-validated on 10")
    assert choice.confidence == pytest.approx(0.95)
    content = choice.as_json()
    assert content["chosen"] == "100R"
    assert [one["arm"] for one in content["candidates"]] == ["100R+25F", "100R+300F"]


def test_intervals_are_those_of_the_difference_at_the_level_of_the_gate() -> None:
    rng = np.random.default_rng(2)
    real = rng.normal(0.7, 0.1, (1, 5))
    better = real + rng.normal(0.02, 0.02, real.shape)
    assert choose([(SMALL, better)], real).best.gain == bootstrap_difference(better, real, confidence=0.9)


def test_a_set_that_does_nothing_is_rarely_added() -> None:
    """Three candidates that are as good as 100R: added in at most 5 percent of trials, and what 150 of them leave to chance."""
    rng, opened, trials = np.random.default_rng(3), 0, 150
    for _ in range(trials):
        real = rng.normal(0.7, 0.1, (2, 10))
        subject = rng.normal(0, 0.03, (3, 1, 10))
        scores = real + subject + rng.normal(0, 0.02, (3, 2, 10))
        opened += choose([(arm, one) for arm, one in zip((SMALL, MIDDLE, LARGE), scores, strict=True)], real).opened
    assert 0 < opened <= 0.08 * trials
