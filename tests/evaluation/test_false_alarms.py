from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from segmint.evaluation.false_alarms import compare_false_alarms, surely_more

ABSENT = np.arange(20)[:, None] < 12


def scores(found: int) -> np.ndarray:
    """Dice [3 seeds, 20 subjects, 1 label]: 12 subjects lack the label, and the first `found` of them show it all the same."""
    lacking = np.where(np.arange(12) < found, 0.0, np.nan)
    return np.tile(np.concatenate([lacking, np.full(8, 0.8)])[None, :, None], (3, 1, 1))


def test_the_share_of_subjects_without_the_label_that_show_it() -> None:
    alarms = compare_false_alarms(scores(6), scores(3), ABSENT)
    assert alarms is not None
    assert (alarms.treated, alarms.control, alarms.difference.value) == (0.5, 0.25, 0.25)
    # 3 of 12 differ, all 3 for more: the upper end is that of Clopper and Pearson of the first, the lower that of both.
    few = stats.binomtest(3, 12).proportion_ci(method="exact")
    of_them = stats.binomtest(3, 3).proportion_ci(method="exact")
    assert alarms.difference.interval == pytest.approx([(2 * of_them.low - 1) * few.high, few.high])


def test_where_seeds_differ_the_interval_is_that_of_student() -> None:
    """Of 400 subjects without the label, whom one of four seeds, the same for all, finds it in: seeds make up the error."""
    rng = np.random.default_rng(0)
    treated = np.where(rng.random((4, 400)) < np.array([0.9, 0.1, 0.1, 0.1])[:, None], 0.0, np.nan)[:, :, None]
    alarms = compare_false_alarms(treated, np.full_like(treated, np.nan), np.ones((400, 1), dtype=bool))
    assert alarms is not None
    by_seed = (~np.isnan(treated)).mean(axis=(1, 2))
    oracle = stats.t.interval(0.95, 3, by_seed.mean(), stats.sem(by_seed))
    assert alarms.difference.low == pytest.approx(oracle[0], abs=0.02)
    assert alarms.difference.low < 0


@pytest.mark.parametrize(("found", "sure"), [(0, False), (3, False), (6, True), (9, True), (11, True), (12, True)])
def test_more_of_them_are_never_less_sure(found: int, sure: bool) -> None:
    """As the sign test, the oracle: of 12 subjects 6 that all change one way are sure, 3 are not."""
    alarms = compare_false_alarms(scores(found), scores(0), ABSENT)
    assert alarms is not None
    assert surely_more(alarms.difference) == sure == (2 * 0.5**found < 0.05)
    assert alarms.difference.high <= 1


@pytest.mark.parametrize("lacking", range(2, 9))
def test_a_handful_of_subjects_is_never_sure_beyond_the_sign_test(lacking: int) -> None:
    """All of them show the label with pairs, none without: Student's t has no width there."""
    found, nothing = np.zeros((5, lacking, 1)), np.full((5, lacking, 1), np.nan)
    absent = np.ones((lacking, 1), dtype=bool)
    alarms, none = compare_false_alarms(found, nothing, absent), compare_false_alarms(nothing, nothing, absent)
    assert alarms is not None
    assert none is not None
    assert (alarms.difference.value, alarms.difference.high) == (1, 1)
    assert surely_more(alarms.difference) == (2 * 0.5**lacking < 0.05)
    # Three of n, roughly, may differ where none of n does.
    most = stats.binomtest(0, lacking).proportion_ci(method="exact").high
    assert none.difference.interval == pytest.approx([-most, most])


def test_subjects_that_differ_by_little_do_not_outvote_those_that_differ_by_much() -> None:
    """8 of 20 subjects show the label with every seed, 12 with one seed of five, half of them with the other arm."""
    treated, control = np.full((5, 20, 1), np.nan), np.full((5, 20, 1), np.nan)
    treated[:, :8] = treated[0, 8:14] = control[0, 14:] = 0
    alarms = compare_false_alarms(treated, control, np.ones((20, 1), dtype=bool))
    assert alarms is not None
    assert alarms.difference.value == pytest.approx(0.4)
    assert surely_more(alarms.difference), "14 against 6 alone would not be sure"


def test_intervals_of_rare_alarms_miss_no_more_often_than_they_say() -> None:
    rng, missed, sure, trials = np.random.default_rng(0), 0, 0, 200
    for n in rng.integers(2, 13, trials):
        chance = rng.beta(0.5, 1.0, (1, n))
        treated, control = (np.where(rng.random((3, n)) < chance, 0.0, np.nan)[:, :, None] for _ in range(2))
        alarms = compare_false_alarms(treated, control, np.ones((n, 1), dtype=bool))
        assert alarms is not None
        missed += not alarms.difference.low <= 0 <= alarms.difference.high
        sure += surely_more(alarms.difference)
    assert missed <= 0.05 * trials
    assert sure <= 0.025 * trials


def test_where_every_subject_has_every_label_there_are_none() -> None:
    assert compare_false_alarms(scores(3), scores(0), np.zeros((20, 1), dtype=bool)) is None
    assert not surely_more(None)
    one = np.arange(20)[:, None] < 1
    alarms = compare_false_alarms(scores(3), scores(0), one)
    assert alarms is not None
    assert not surely_more(alarms.difference), "one subject says nothing of others"
