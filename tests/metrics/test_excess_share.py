"""Shares with bounds and their difference, against scipy's exact intervals and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from segmint.metrics.excess_share import RANGE, Share, effective_size, excess_share


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 400), st.floats(0, 1))
def test_bounds_are_the_exact_binomial_ones(total: int, part: float) -> None:
    hits = round(part * total)
    share = Share(hits, total, total)
    exact = stats.binomtest(hits, total).proportion_ci(confidence_level=0.9, method="exact")
    assert share.low == pytest.approx(exact.low, abs=1e-9)
    assert share.high == pytest.approx(exact.high, abs=1e-9)


def test_fewer_independent_numbers_give_wider_bounds() -> None:
    plain, clustered = Share(5, 500, 500), Share(5, 500, 50)
    assert clustered.value == plain.value
    assert clustered.low < plain.low < plain.high < clustered.high


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 200), st.integers(0, 100))
def test_the_difference_lies_within_its_bounds_and_the_range(found: int, usual: int) -> None:
    excess = excess_share(Share(found, 200, 200), Share(usual, 100, 30))
    assert RANGE[0] <= excess.low <= excess.value <= excess.high <= RANGE[1]
    more = excess_share(Share(min(found + 10, 200), 200, 200), Share(usual, 100, 30))
    assert more.value >= excess.value
    assert more.high >= excess.high - 1e-12


def test_the_upper_bound_covers_the_true_difference() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.binomial(200, 0.06, 400), generator.binomial(150, 0.01, 400)
    covered = [
        excess_share(Share(int(a), 200, 200), Share(int(b), 150, 150)).high >= 0.05
        for a, b in zip(first, second, strict=True)
    ]
    assert np.mean(covered) >= 0.94


def test_the_effective_size_follows_the_clusters() -> None:
    units = np.repeat(np.arange(50), 8)
    generator = np.random.default_rng(0)
    apart = effective_size(generator.random(400) < 0.3, units)
    together = effective_size((generator.random(50) < 0.3)[units], units)
    assert together == pytest.approx(50, rel=0.05)
    assert apart > 250
    assert effective_size(np.zeros(400, dtype=bool), units) == 50
