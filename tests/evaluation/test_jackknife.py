"""The jackknife: exact where theory gives the error, whole subjects together, nothing claimed of too few groups."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from segmint.evaluation.jackknife import FEWEST_GROUPS, deal_groups, jackknifed


def test_the_mean_of_single_values_has_its_usual_interval_and_p_value() -> None:
    values = np.random.default_rng(0).normal(0.5, 1, 20)
    replicates = np.array([np.delete(values, i).mean() for i in range(20)])
    found = jackknifed(float(values.mean()), replicates)
    usual = stats.ttest_1samp(values, 0.0)
    assert found.p_value == pytest.approx(usual.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(usual.confidence_interval(0.95)))


def test_subjects_stay_together_in_groups_of_about_one_size() -> None:
    units = np.repeat(np.arange(23) * 7, 3)
    groups = deal_groups(units, 5, seed=0)
    assert all(len(set(groups[units == unit])) == 1 for unit in np.unique(units))
    sizes = np.bincount(groups, minlength=5)
    assert sizes.sum() == len(units)
    assert sizes.max() - sizes.min() <= 3
    np.testing.assert_array_equal(groups, deal_groups(units, 5, seed=0))
    assert (groups != deal_groups(units, 5, seed=1)).any()


def test_each_part_of_a_set_is_dealt_evenly_too() -> None:
    units, parts = np.arange(23), np.repeat([1, 0, 1], [5, 9, 9])
    for seed in range(10):
        groups = deal_groups(units, 6, seed=seed, parts=parts)
        for some in (parts >= 0, parts == 0, parts == 1):
            sizes = np.bincount(groups[some], minlength=6)
            assert sizes.max() - sizes.min() <= 1
    np.testing.assert_array_equal(deal_groups(units, 6, seed=3, parts=0 * parts), deal_groups(units, 6, seed=3))


def test_too_few_groups_and_numbers_that_are_none_give_no_interval() -> None:
    for value, replicates in (
        (1.0, np.ones(FEWEST_GROUPS - 1)),
        (1.0, np.array([1.0] * 9 + [math.nan])),
        (math.nan, np.ones(9)),
    ):
        found = jackknifed(value, replicates)
        assert all(math.isnan(one) for one in (found.low, found.high, found.p_value))
    assert jackknifed(0.0, np.zeros(10)).p_value == 1.0


def test_false_alarms_at_the_rate_they_are_meant_to_be() -> None:
    generator = np.random.default_rng(3)
    draws = generator.normal(size=(600, 60))
    dealt = deal_groups(np.arange(60), 20, seed=0)
    p_values = [
        jackknifed(float(one.mean()), np.array([one[dealt != group].mean() for group in range(20)])).p_value
        for one in draws
    ]
    assert 0.02 < np.mean(np.array(p_values) < 0.05) < 0.09
