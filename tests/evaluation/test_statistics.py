from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from segmint.evaluation.statistics import bootstrap_difference, bootstrap_mean


def crossed(
    rng: np.random.Generator, *, subjects: int, seeds: int, of_subject: float, of_seed: float, rest: float
) -> np.ndarray:
    """Scores [seeds, subjects] with mean 0 and the given standard deviations."""
    return (
        rng.normal(0, of_seed, (seeds, 1))
        + rng.normal(0, of_subject, (1, subjects))
        + rng.normal(0, rest, (seeds, subjects))
    )


def test_normal_subjects_give_the_analytic_interval() -> None:
    scores = np.random.default_rng(0).normal(0.8, 0.05, (1, 60))
    estimate = bootstrap_mean(scores)
    low, high = stats.norm.interval(0.95, scores.mean(), stats.sem(scores[0]))
    assert estimate.value == pytest.approx(scores.mean())
    assert estimate.low == pytest.approx(low, abs=0.0008)
    assert estimate.high == pytest.approx(high, abs=0.0008)


def test_agrees_with_scipy_where_only_subjects_vary() -> None:
    scores = np.random.default_rng(1).beta(8, 2, 40)
    theirs = stats.bootstrap((scores,), np.mean, method="percentile", rng=np.random.default_rng(0)).confidence_interval
    ours = bootstrap_mean(np.tile(scores, (3, 1)))
    # Ours is wider by sqrt(40 / 39).
    assert ours.low == pytest.approx(theirs.low, abs=0.003)
    assert ours.high == pytest.approx(theirs.high, abs=0.003)


@pytest.mark.parametrize("seeds", [5, 10])
def test_variance_between_seeds_is_not_understated(seeds: int) -> None:
    seed_means = np.linspace(-1, 1, seeds)
    estimate = bootstrap_mean(np.tile(seed_means[:, None], (1, 20)), confidence=0.6827)
    # The central 68% of a near-normal distribution span two standard errors; the plain bootstrap would give 0.89 of
    # them for five seeds.
    assert (estimate.high - estimate.low) / 2 == pytest.approx(stats.sem(seed_means), rel=0.07)


@pytest.mark.parametrize(
    ("subjects", "seeds", "of_subject", "of_seed", "rest"),
    [(20, 5, 3.0, 1.0, 2.0), (30, 3, 3.0, 1.0, 2.0), (15, 5, 3.0, 0.0, 1.0)],
)
def test_interval_covers_the_truth_about_as_often_as_it_says(
    subjects: int, seeds: int, of_subject: float, of_seed: float, rest: float
) -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(300):
        scores = crossed(rng, subjects=subjects, seeds=seeds, of_subject=of_subject, of_seed=of_seed, rest=rest)
        estimate = bootstrap_mean(scores, resamples=400)
        covered += estimate.low <= 0 <= estimate.high
    assert 0.88 <= covered / 300 <= 0.99


def test_pairing_removes_what_both_arms_share() -> None:
    rng = np.random.default_rng(3)
    control = crossed(rng, subjects=30, seeds=3, of_subject=0.2, of_seed=0.0, rest=0.0)
    treated = control + 0.02 + rng.normal(0, 0.001, control.shape)
    difference = bootstrap_difference(treated, control)
    assert 0.019 < difference.low < 0.02 < difference.high < 0.021
    assert bootstrap_mean(treated).high - bootstrap_mean(treated).low > 0.1


def test_pairs_with_a_missing_score_are_left_out() -> None:
    treated, control = np.full((2, 4), 0.9), np.full((2, 4), 0.8)
    treated[:, 0], control[0, 1] = np.nan, np.nan
    control[1, 1] = 0.7
    assert bootstrap_difference(treated, control).value == pytest.approx(0.6 / 5)
    nothing = bootstrap_difference(np.full((2, 3), np.nan), np.zeros((2, 3)))
    assert np.isnan([nothing.value, nothing.low, nothing.high]).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 5), st.integers(1, 12), st.floats(0, 0.9), st.integers(0, 1000))
def test_estimate_lies_in_its_finite_interval_whatever_is_missing(
    seeds: int, subjects: int, gaps: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0, 1, (seeds, subjects))
    scores[rng.uniform(size=scores.shape) < gaps] = np.nan
    estimate = bootstrap_mean(scores, resamples=500)
    if np.isnan(scores).all():
        assert np.isnan(estimate.value)
        return
    assert estimate.value == pytest.approx(np.nanmean(scores))
    if (~np.isnan(scores)).any(axis=0).sum() > 1:
        assert estimate.low - 1e-9 <= estimate.value <= estimate.high + 1e-9


def test_seeds_that_share_a_synthetic_set_count_as_one_unit() -> None:
    of_set = np.array([0.0, 1.0, 0.0, 1.0, 0.0, 1.0])[:, None] * np.ones((1, 10))
    apart = bootstrap_mean(of_set)
    together = bootstrap_mean(of_set, units=[0, 1, 0, 1, 0, 1])
    assert together.high - together.low > apart.high - apart.low
    alone = bootstrap_mean(of_set, units=[0] * 6)
    assert alone.low == pytest.approx(alone.high)


def test_one_subject_gives_no_interval() -> None:
    scores = np.full((3, 4), np.nan)
    scores[:, 2] = [0.5, 0.6, 0.7]
    estimate = bootstrap_mean(scores)
    assert estimate.value == pytest.approx(0.6)
    assert np.isnan(estimate.interval).all()


def test_same_scores_same_interval() -> None:
    scores = np.random.default_rng(4).uniform(size=(3, 9))
    assert bootstrap_mean(scores) == bootstrap_mean(scores)
    assert bootstrap_mean(scores, seed=1) != bootstrap_mean(scores)


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="seeds, subjects"):
        bootstrap_mean(np.zeros(3))
    with pytest.raises(ValueError, match="units"):
        bootstrap_mean(np.zeros((2, 3)), units=[0])
    with pytest.raises(ValueError, match="paired"):
        bootstrap_difference(np.zeros((2, 3)), np.zeros((2, 4)))
