"""Threshold, base rate and excess from numbers whose distribution is known."""

from __future__ import annotations

import numpy as np
import pytest

from segmint.evaluation.copy_rates import FEWEST, Nearness, compare_nearness, first_part


def drawn(generator: np.random.Generator, *, subjects: int, each: int, together: float = 0.5) -> Nearness:
    units = np.repeat(np.arange(subjects), each)
    own = generator.normal(size=subjects)[units]
    values = 0.7 + 0.05 * (np.sqrt(together) * own + np.sqrt(1 - together) * generator.normal(size=len(units)))
    return Nearness(values, units)


def test_planted_copies_are_counted() -> None:
    generator = np.random.default_rng(0)
    held, synthetic = drawn(generator, subjects=40, each=10), drawn(generator, subjects=400, each=1).values
    synthetic[:20] = generator.uniform(0.93, 1.0, 20)
    result = compare_nearness(synthetic, held)
    assert result["copies"]["count"] == pytest.approx(20, abs=1)
    low, high = result["excess"]["interval"]
    assert 0 < low < 0.05 < high < 0.1
    assert result["certain"] >= 15
    assert result["calibrated_on"]["images"] + result["measured_on"]["images"] == 400
    assert result["calibrated_on"]["subjects"] + result["measured_on"]["subjects"] == 40


def test_new_images_of_the_same_kind_rarely_pass() -> None:
    shares, alarms = [], []
    for seed in range(60):
        generator = np.random.default_rng(seed)
        held = drawn(generator, subjects=30, each=8)
        result = compare_nearness(drawn(generator, subjects=300, each=1).values, held, seed=seed)
        shares.append(result["false_positives"]["share"])
        alarms.append(result["excess"]["interval"][0] > 0 or result["certain"] > 0)
    assert np.mean(shares) <= 0.01
    assert np.mean(alarms) <= 0.1


@pytest.mark.parametrize(("subjects", "each"), [(11, 9), (1, FEWEST)])
def test_too_few_held_out_images_set_no_threshold(subjects: int, each: int) -> None:
    generator = np.random.default_rng(0)
    held = drawn(generator, subjects=subjects, each=each)
    result = compare_nearness(held.values, held)
    assert result["threshold"] is None
    assert "copies" not in result
    assert compare_nearness(held.values, None)["held_out"] is None


def test_parts_share_no_subject_and_hold_about_half_of_the_images() -> None:
    units = np.random.default_rng(0).integers(0, 20, 500)
    first = first_part(units, seed=3)
    assert not set(units[first]) & set(units[~first])
    assert 0.4 < first.mean() < 0.62
    two = first_part(np.array([0] * 90 + [1] * 30), seed=0)
    assert 0 < two.sum() < 120
