"""Shares with bounds and their difference, against scipy's exact intervals and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from segmint.metrics.excess_share import (
    RANGE,
    Share,
    bound_with_recall,
    effective_size,
    excess_share,
    least_effective_size,
)


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


@pytest.mark.parametrize("sizes", [[8] * 12, [3, 5, 8, 12, 20, 4, 4, 10, 16, 6, 9, 7]])
@pytest.mark.parametrize(("near", "each"), [(0.05, 1.0), (0.1, 0.6), (0.2, 0.3), (1.0, 0.05)])
def test_bounds_by_cluster_cover_however_hits_come_together(sizes: list[int], near: float, each: float) -> None:
    """A share of the clusters has hits, of which each member is one with a chance of `each`."""
    generator, units = np.random.default_rng(0), np.repeat(np.arange(len(sizes)), sizes)
    hits = (generator.random((1000, len(sizes))) < near)[:, units] & (generator.random((1000, len(units))) < each)
    size = least_effective_size(units)
    assert size <= len(sizes)
    covered = [Share(int(one.sum()), len(one), size).high >= near * each for one in hits]
    assert np.mean(covered) >= 0.95


def test_no_hit_says_nothing_of_how_hits_come_together() -> None:
    units = np.repeat(np.arange(12), 8)
    assert least_effective_size(units) == pytest.approx(12)
    assert least_effective_size(np.arange(50)) == pytest.approx(50)
    assert least_effective_size(np.array([0] * 98 + [1, 2])) < 1.05, "one of them has nearly all"
    # Hits that are frequent come apart: taken for the rare ones, they would bound a share of 5% of the clusters by 2%.
    apart = effective_size(np.random.default_rng(0).random(96) < 0.1, units)
    assert Share(0, 96, apart).high < 0.05 < Share(0, 96, least_effective_size(units)).high


def test_what_a_search_misses_widens_the_bound() -> None:
    assert bound_with_recall(0.05, Share(90, 100, 100)) == pytest.approx(0.05 / Share(90, 100, 100).low)
    assert bound_with_recall(0.05, Share(0, 100, 100)) == 1.0
    assert bound_with_recall(-0.1, Share(90, 100, 100)) == 0.0
