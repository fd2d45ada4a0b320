"""Precision and recall, density and coverage, and their clipped forms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from prdc import compute_prdc

from segmint.metrics import clipped_density_coverage, density_coverage, precision_recall
from segmint.metrics.clipped_density_coverage import clipped_coverage, clipped_density
from segmint.metrics.density_coverage import coverage, density
from segmint.metrics.neighbourhoods import NEIGHBOURS, Neighbourhoods, neighbourhoods
from segmint.metrics.precision_recall import precision, recall

Features = NDArray[np.float64]


def drawn(n: int, *, seed: int, d: int = 6, shift: float = 0.0) -> Features:
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def mean_of(metric: Callable[[Neighbourhoods], float], change: Callable[[Features, int], Features]) -> float:
    """Over three draws of 300 real and 300 changed images."""
    return float(
        np.mean(
            [
                metric(neighbourhoods(drawn(300, seed=2 * seed), change(drawn(300, seed=2 * seed + 1), seed)))
                for seed in range(3)
            ]
        )
    )


def test_each_declares_what_it_is() -> None:
    assert (precision_recall.DIRECTION, precision_recall.RANGE) == ("higher", (0.0, 1.0))
    assert (density_coverage.DIRECTION, density_coverage.COVERAGE_RANGE) == ("higher", (0.0, 1.0))
    assert (0.0, float("inf")) == density_coverage.DENSITY_RANGE
    assert (clipped_density_coverage.DIRECTION, clipped_density_coverage.RANGE) == ("higher", (0.0, 1.0))


@settings(max_examples=8, deadline=None)
@given(n=st.integers(8, 60), m=st.integers(8, 60), d=st.integers(1, 12), k=st.integers(1, 6), seed=st.integers(0, 1000))
def test_agrees_with_prdc(n: int, m: int, d: int, k: int, seed: int) -> None:
    real, fake = drawn(n, seed=seed, d=d), drawn(m, seed=seed + 1, d=d, shift=0.5)
    expected = compute_prdc(real_features=real, fake_features=fake, nearest_k=k)
    found = neighbourhoods(real, fake, neighbours=k)
    for metric in (precision, recall, density, coverage):
        assert metric(found) == pytest.approx(float(expected[metric.__name__]), abs=1e-12), metric.__name__


def test_neighbours_are_those_of_other_subjects() -> None:
    points = np.array([[0.0], [0.1], [5.0], [5.1], [9.0]])
    units = np.array([0, 0, 1, 1, 2])
    found = neighbourhoods(points, points, neighbours=1, real_units=units)
    assert found.real_radii == pytest.approx([5.0, 4.9, 4.0, 3.9, 3.9])
    assert found.fake_radii == pytest.approx([0.1, 0.1, 0.1, 0.1, 3.9])
    with pytest.raises(ValueError, match="4 neighbours of other subjects"):
        neighbourhoods(points, points, neighbours=4, real_units=units)


def test_far_from_the_origin_small_distances_keep_their_digits() -> None:
    real, fake = drawn(40, seed=0), drawn(40, seed=1)
    near, far = neighbourhoods(real, fake), neighbourhoods(real + 1e6, fake + 1e6)
    assert far.between == pytest.approx(near.between, rel=1e-6)


def test_images_of_one_distribution_are_wholly_good() -> None:
    for metric in (clipped_density, clipped_coverage):
        assert mean_of(metric, lambda fakes, _: fakes) == pytest.approx(1, abs=0.08)
    assert mean_of(density, lambda fakes, _: fakes) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("metric", [clipped_density, clipped_coverage])
@pytest.mark.parametrize("bad", [0.25, 0.5, 0.75, 1.0])
def test_clipped_forms_fall_in_a_line_with_the_share_of_bad_fakes(
    metric: Callable[[Neighbourhoods], float], bad: float
) -> None:
    def spoil(fakes: Features, _seed: int) -> Features:
        fakes[: round(bad * len(fakes))] += 100
        return fakes

    assert mean_of(metric, spoil) == pytest.approx(1 - bad, abs=0.08)


def test_dropped_modes_cost_coverage_and_recall_but_not_density() -> None:
    def one_side(fakes: Features, _seed: int) -> Features:
        fakes[:, 0] = np.abs(fakes[:, 0])
        return fakes

    for metric in (coverage, clipped_coverage, recall):
        assert mean_of(metric, one_side) < mean_of(metric, lambda fakes, _: fakes) - 0.1, metric.__name__
    assert mean_of(clipped_density, one_side) > 0.9


def test_copies_of_few_images_cost_coverage() -> None:
    def repeat(fakes: Features, seed: int) -> Features:
        return fakes[np.random.default_rng(seed).integers(0, 10, len(fakes))] + drawn(len(fakes), seed=seed) * 1e-3

    assert mean_of(coverage, repeat) < 0.5
    assert mean_of(clipped_coverage, repeat) < 0.3


def test_a_real_outlier_sways_density_and_precision_but_not_their_clipped_form() -> None:
    real, far = drawn(200, seed=0), np.full((NEIGHBOURS + 2, 6), 40.0) * np.linspace(0.8, 1.2, NEIGHBOURS + 2)[:, None]
    fakes = drawn(200, seed=1, shift=20.0)
    found = neighbourhoods(np.concatenate([real, far]), fakes)
    assert density(neighbourhoods(real, fakes)) == 0
    assert precision(found) > 0.9
    assert clipped_density(found) < 0.05


def test_calibration_is_the_expected_value() -> None:
    """Against a simulation: what 5 neighbours, 60 real images and 20 good fakes of 50 give on average."""
    values = []
    for seed in range(60):
        real, fakes = drawn(60, seed=3 * seed, d=2), drawn(50, seed=3 * seed + 1, d=2)
        fakes[20:] += 1000
        values.append(clipped_coverage(neighbourhoods(real, fakes)))
    assert np.mean(values) == pytest.approx(20 / 50, abs=0.02)
