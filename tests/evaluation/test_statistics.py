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


def test_agrees_with_a_bootstrap_t_of_subjects_where_only_they_vary() -> None:
    """Skewed subjects: the oracle resamples them one by one and divides by each resample's own standard error."""
    rng = np.random.default_rng(1)
    scores = rng.beta(8, 2, 40)
    drawn = scores[rng.integers(0, 40, (20_000, 40))]
    t = (drawn.mean(axis=1) - scores.mean()) / (drawn.std(axis=1, ddof=1) / np.sqrt(40))
    low, high = scores.mean() - np.quantile(t, [0.975, 0.025]) * stats.sem(scores)
    ours = bootstrap_mean(np.tile(scores, (3, 1)))
    assert ours.low == pytest.approx(low, abs=0.002)
    assert ours.high == pytest.approx(high, abs=0.002)
    assert (scores.mean() - ours.low) / (ours.high - scores.mean()) == pytest.approx(
        (scores.mean() - low) / (high - scores.mean()), rel=0.05
    )


def test_error_and_freedom_are_those_of_the_two_way_layout() -> None:
    scores = crossed(np.random.default_rng(5), subjects=8, seeds=3, of_subject=1, of_seed=1.5, rest=0.7)
    mean, of_seed, of_subject = scores.mean(), scores.mean(axis=1), scores.mean(axis=0)
    seeds = 8 * ((of_seed - mean) ** 2).sum() / 2
    subjects = 3 * ((of_subject - mean) ** 2).sum() / 7
    rest = ((scores - of_seed[:, None] - of_subject + mean) ** 2).sum() / 14
    variance = seeds + subjects - rest
    estimate = bootstrap_mean(scores, resamples=200)
    assert variance > max(seeds, subjects), "no bound is touched"
    assert estimate.error == pytest.approx(np.sqrt(variance / 24))
    assert estimate.freedom == pytest.approx(variance**2 / (seeds**2 / 2 + subjects**2 / 7 + rest**2 / 14))
    alone = bootstrap_mean(scores[:1], resamples=200)
    assert alone.error == pytest.approx(stats.sem(scores[0]))
    assert alone.freedom == 7


def test_few_subjects_get_the_t_interval() -> None:
    scores = np.array([[0.71, 0.78, 0.74]])
    low, high = stats.t.interval(0.95, 2, scores.mean(), stats.sem(scores[0]))
    assert bootstrap_mean(scores).interval == pytest.approx([low, high])
    assert bootstrap_mean(scores, within=(0.7, 0.8)).interval == pytest.approx([0.7, 0.8])


@pytest.mark.parametrize("seeds", [5, 10])
def test_variance_between_seeds_is_not_understated(seeds: int) -> None:
    seed_means = np.linspace(-1, 1, seeds)
    estimate = bootstrap_mean(np.tile(seed_means[:, None], (1, 20)))
    assert estimate.error == pytest.approx(stats.sem(seed_means))
    assert estimate.freedom == pytest.approx(seeds - 1)
    assert (estimate.high - estimate.low) / 2 > stats.t.ppf(0.975, seeds - 1) * stats.sem(seed_means)


def test_the_smallest_effect_seen_is_found_in_eighty_percent() -> None:
    subjects = np.random.default_rng(6).normal(0, 0.03, (1, 20))
    estimate = bootstrap_mean(subjects)
    # Power of the t test of one sample [noncentral t], the oracle.
    shift = estimate.smallest_seen / estimate.error
    power = stats.nct.sf(stats.t.ppf(0.975, 19), 19, shift)
    assert power == pytest.approx(0.8, abs=0.01)
    assert np.isnan(bootstrap_mean([[0.5]]).smallest_seen)


@pytest.mark.parametrize(
    ("subjects", "seeds", "of_subject", "of_seed", "rest"),
    [(20, 5, 3.0, 0.5, 2.0), (30, 3, 3.0, 0.3, 2.0), (10, 5, 3.0, 0.0, 1.0), (10, 2, 3.0, 0.0, 2.0)],
)
def test_interval_covers_the_truth_about_as_often_as_it_says(
    subjects: int, seeds: int, of_subject: float, of_seed: float, rest: float
) -> None:
    rng = np.random.default_rng(2)
    missed = 0
    for _ in range(400):
        scores = crossed(rng, subjects=subjects, seeds=seeds, of_subject=of_subject, of_seed=of_seed, rest=rest)
        estimate = bootstrap_mean(scores, resamples=400)
        missed += not estimate.low <= 0 <= estimate.high
    # Five percent, within three standard errors of what 400 tables leave to chance.
    assert 0.018 <= missed / 400 <= 0.083


def test_covers_better_than_percentiles_where_subjects_are_few_and_skewed() -> None:
    rng = np.random.default_rng(7)
    missed = np.zeros(2)
    for _ in range(400):
        scores = 0.04 * (1 - rng.exponential(size=(1, 10))) + 0.008 * rng.normal(size=(3, 10))
        ours = bootstrap_mean(scores, resamples=400)
        of_subjects = scores.mean(axis=0)
        low, high = np.quantile(of_subjects[rng.integers(0, 10, (400, 10))].mean(axis=1), [0.025, 0.975])
        missed += [not ours.low <= 0 <= ours.high, not low <= 0 <= high]
    assert missed[0] / 400 <= 0.085 < missed[1] / 400


def over_generators(
    rng: np.random.Generator, *, generators: int, subjects: int, of_generator: float, seeds_each: int = 2
) -> tuple[np.ndarray, list[int]]:
    """Scores [seeds, subjects] with mean 0, seed k of generator k modulo their number, and the generator of each seed.

    `of_generator`: standard deviation between generators, in standard errors of the mean over subjects.
    """
    units = [seed % generators for seed in range(generators * seeds_each)]
    shifts = of_generator / np.sqrt(subjects) * rng.normal(size=(generators, 1)) + 0.3 * rng.normal(
        size=(generators, subjects)
    )
    scores = crossed(rng, subjects=subjects, seeds=len(units), of_subject=1.0, of_seed=0.02, rest=0.5)
    return scores + shifts[units], units


@pytest.mark.parametrize("generators", [2, 3])
@pytest.mark.parametrize("of_generator", [0.0, 1.0, 4.0])
def test_interval_over_two_or_three_generators_covers_the_truth(generators: int, of_generator: float) -> None:
    rng = np.random.default_rng([9, generators])
    missed = np.zeros(2)
    for _ in range(400):
        scores, units = over_generators(rng, generators=generators, subjects=15, of_generator=of_generator)
        by_generator = scores.reshape(-1, generators, 15).mean(axis=0)
        for place, estimate in enumerate(
            (bootstrap_mean(scores, units=units, resamples=200), bootstrap_mean(by_generator, resamples=200))
        ):
            missed[place] += not estimate.low <= 0 <= estimate.high
    # Five percent, and three standard errors of what 400 tables leave to chance; below it only where margins are wide.
    assert 0.012 <= missed[0] / 400 <= 0.083
    if generators == 2 and of_generator == 4:
        assert missed[1] / 400 > 0.083, "the widening that independent seeds get would not do"


def test_margins_of_generators_and_subjects_are_added_in_quadrature() -> None:
    scores = crossed(np.random.default_rng(9), subjects=4, seeds=3, of_subject=1, of_seed=1.5, rest=0.5)
    mean, of_generator, of_subject = scores.mean(), scores.mean(axis=1), scores.mean(axis=0)
    rest = ((scores - of_generator[:, None] - of_subject + mean) ** 2).sum() / 6
    between = max(4 * ((of_generator - mean) ** 2).sum() / 2 - rest, 0) / 12
    subjects = 3 * ((of_subject - mean) ** 2).sum() / 3 / 12
    assert between > 0
    estimate = bootstrap_mean(scores, units=[0, 1, 2])
    # Four subjects have t quantiles.
    margin = np.sqrt(stats.t.ppf(0.975, 2) ** 2 * between + stats.t.ppf(0.975, 3) ** 2 * subjects)
    assert estimate.interval == pytest.approx([mean - margin, mean + margin])
    assert estimate.error == pytest.approx(np.sqrt(between + subjects))
    assert stats.t.ppf(0.975, estimate.freedom) * estimate.error == pytest.approx(margin)
    assert 2 < estimate.freedom < 3


def test_where_only_generators_differ_they_have_their_t_interval() -> None:
    of_generator = np.array([0.1, 0.4])
    estimate = bootstrap_mean(np.tile(of_generator[[0, 1, 0, 1]][:, None], (1, 20)), units=[0, 1, 0, 1])
    low, high = stats.t.interval(0.95, 1, 0.25, stats.sem(of_generator))
    assert estimate.interval == pytest.approx([low, high])
    assert estimate.freedom == pytest.approx(1)
    alike = bootstrap_mean(np.tile(np.linspace(0, 1, 20), (4, 1)), units=[0, 1, 0, 1])
    assert alike.freedom == 19
    assert alike.interval == pytest.approx(bootstrap_mean(np.linspace(0, 1, 20)[None]).interval)
    same = bootstrap_mean(np.full((4, 20), 0.3), units=[0, 1, 0, 1])
    assert (same.interval, same.freedom) == (pytest.approx([0.3, 0.3]), 19)


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
