"""Threshold, base rate and excess from numbers whose distribution is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from segmint.evaluation.copy_rates import FEWEST, Comparison, Nearness, compare_nearness, first_part


def drawn(generator: np.random.Generator, *, subjects: int, each: int, together: float = 0.2) -> Nearness:
    units = np.repeat(np.arange(subjects), each)
    own = generator.normal(size=subjects)[units]
    values = 0.7 + 0.05 * (np.sqrt(together) * own + np.sqrt(1 - together) * generator.normal(size=len(units)))
    # Two ways to be near, which go together in part.
    return Nearness(np.stack([values, 20 * values + generator.normal(size=len(units))], axis=1), units)


def compared(synthetic: NDArray[np.float64], held: Nearness, **options: Any) -> Comparison:
    result = compare_nearness(synthetic, held, **options)
    assert result is not None
    return result


def test_planted_copies_are_counted() -> None:
    generator = np.random.default_rng(0)
    held, synthetic = drawn(generator, subjects=40, each=10), drawn(generator, subjects=400, each=1).values
    synthetic[:20, 0] = generator.uniform(1.1, 1.2, 20)
    result = compared(synthetic, held)
    assert 20 <= result.copies.hits <= 24
    assert 0 < result.excess.low < 0.05 < result.excess.high < 0.1
    assert result.calibrated_on[0] + result.measured_on[0] == 400
    assert result.calibrated_on[1] + result.measured_on[1] == 40
    described = result.described()
    assert described["certain"] >= 10
    assert described["copies"]["count"] == result.copies.hits
    # Either way of being near is enough.
    synthetic[:20] = np.array([0.7, 25.0])
    assert compared(synthetic, held).copies.hits >= 20


def test_new_images_of_the_same_kind_rarely_pass() -> None:
    shares, alarms = [], []
    for seed in range(60):
        generator = np.random.default_rng(seed)
        held = drawn(generator, subjects=30, each=8)
        result = compared(drawn(generator, subjects=300, each=1).values, held, seed=seed)
        shares.append(result.false_positives.value)
        alarms.append(result.excess.low > 0 or result.described()["certain"] > 0)
    assert np.mean(shares) <= 0.01
    assert np.mean(alarms) <= 0.1


def test_the_bound_holds_where_whole_subjects_come_near() -> None:
    """Some new subjects look like a training subject in all of their images: the true share is that of very many new ones."""
    covered, frequent = [], []
    for seed in range(150):
        generator = np.random.default_rng(seed)
        held, others = drawn(generator, subjects=24, each=8), drawn(generator, subjects=2000, each=4)
        for one in (held, others):
            alike = (generator.random(int(one.units.max()) + 1) < 0.06)[one.units]
            one.values[alike] += np.array([0.3, 6.0])
        result = compared(others.values, held, seed=seed)
        covered.append(result.false_positives.high >= result.copies.value)
        frequent.append(result.copies.value > 0.03)
    assert np.mean(frequent) > 0.3, "the threshold alone does not keep them out"
    assert np.mean(covered) >= 0.95


@pytest.mark.parametrize(("subjects", "each"), [(11, 9), (1, FEWEST)])
def test_too_few_held_out_images_set_no_threshold(subjects: int, each: int) -> None:
    held = drawn(np.random.default_rng(0), subjects=subjects, each=each)
    assert compare_nearness(held.values, held) is None
    assert compare_nearness(held.values, None) is None


def test_parts_share_no_subject_and_hold_about_half_of_the_images() -> None:
    units = np.random.default_rng(0).integers(0, 20, 500)
    first = first_part(units, seed=3)
    assert not set(units[first]) & set(units[~first])
    assert 0.4 < first.mean() < 0.62
    two = first_part(np.array([0] * 90 + [1] * 30), seed=0)
    assert 0 < two.sum() < 120
