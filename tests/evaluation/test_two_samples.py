"""Tests by subject: false alarms as often as they should be, differences found."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from segmint.evaluation.two_samples import distribution_test, excess_test, range_test, share_test


def test_single_numbers_a_subject_agree_with_scipy() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 1, 40), rng.normal(0.5, 1, 30)
    theirs = stats.ks_2samp(first, second)
    ours = distribution_test(first, np.arange(40), second, np.arange(30), seed=0)
    assert ours == pytest.approx((theirs.statistic, theirs.pvalue))


def test_slices_of_one_subject_do_not_pass_for_many() -> None:
    rng = np.random.default_rng(1)
    alarms = {"by subject": 0, "by slice": 0}
    for _ in range(40):
        units = np.repeat(np.arange(10), 20)
        first, second = (rng.normal(0, 1, 10)[units] + rng.normal(0, 0.1, 200) for _ in range(2))
        alarms["by subject"] += distribution_test(first, units, second, units, seed=0)[1] < 0.05
        alarms["by slice"] += stats.ks_2samp(first, second).pvalue < 0.05
    assert alarms["by subject"] <= 4
    assert alarms["by slice"] > 25


def test_shares_agree_with_fishers_test_and_count_subjects_not_slices() -> None:
    first, second = np.arange(40) < 30, np.arange(20) < 5
    expected = stats.fisher_exact([[30, 10], [5, 15]]).pvalue
    assert share_test(first, np.arange(40), second, np.arange(20), seed=0) == pytest.approx(expected)
    assert share_test(first, np.arange(40) // 10, second, np.arange(20) // 5, seed=0) > 0.1


def test_a_shift_is_found() -> None:
    rng = np.random.default_rng(2)
    units = np.repeat(np.arange(12), 5)
    distance, p_value = distribution_test(rng.normal(3, 1, 60), units, rng.normal(0, 1, 60), units, seed=0)
    assert distance > 0.8
    assert p_value < 1e-3


@pytest.mark.parametrize("real", [8, 20, 200])
def test_ranges_of_few_subjects_raise_no_false_alarm(real: int) -> None:
    rng = np.random.default_rng(3)
    outside = above = 0
    for _ in range(400):
        known, new = rng.lognormal(size=real), rng.lognormal(size=100)
        low, high = np.percentile(known, [1, 99])
        outside += range_test(float(((new >= low) & (new <= high)).mean()), units=100, real_units=real) < 0.05
        above += excess_test(float((new > high).mean()), units=100, real_units=real) < 0.05
    assert outside <= 0.08 * 400
    assert above <= 0.08 * 400


def test_what_lies_outside_is_found() -> None:
    assert range_test(0.2, units=200, real_units=10) < 1e-3
    assert range_test(0.95, units=200, real_units=200) > 0.05
    assert excess_test(1.0, units=200, real_units=10) < 1e-3
    assert excess_test(0.0, units=200, real_units=10) == pytest.approx(1)
