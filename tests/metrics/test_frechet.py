from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torchmetrics.image.fid import _compute_fid

from segmint.metrics.frechet import (
    DIRECTION,
    NAME,
    NAME_INFINITY,
    RANGE,
    RANGE_INFINITY,
    frechet_distance,
    frechet_infinity,
)

Features = NDArray[np.float64]


def normal(n: int, d: int, *, seed: int, shift: float = 0.0) -> Features:
    return np.random.default_rng(seed).normal(size=(n, d)) * np.linspace(1, 0.3, d) + shift


def test_declares_what_it_is() -> None:
    assert ("frechet_distance", "lower", (0.0, float("inf"))) == (NAME, DIRECTION, RANGE)
    assert NAME_INFINITY == "frechet_infinity"
    assert RANGE_INFINITY[0] == float("-inf")


@pytest.mark.parametrize(("n", "d"), [(40, 6), (200, 32), (12, 30)])
def test_agrees_with_torchmetrics_also_with_fewer_images_than_features(n: int, d: int) -> None:
    first, second = normal(n, d, seed=0), normal(n + 3, d, seed=1, shift=0.2) ** 3
    means = [torch.from_numpy(one.mean(axis=0)) for one in (first, second)]
    covariances = [torch.from_numpy(np.cov(one.T)) for one in (first, second)]
    expected = float(_compute_fid(means[0], covariances[0], means[1], covariances[1]))
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_of_normal_distributions_along_axes_it_is_known() -> None:
    """sum of (difference of means)^2 and (difference of deviations)^2, here exactly, as samples are whitened first."""
    drawn = normal(300, 4, seed=0)
    drawn = (drawn - drawn.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(drawn.T))).T
    moved = drawn * np.array([1, 2, 3, 0.5]) + np.array([0, 1, 0, 0.5])
    assert frechet_distance(drawn, moved) == pytest.approx(1 + 4 + 0.25 + 1 + 0.25, rel=1e-9)


def test_a_set_has_no_distance_from_itself_and_it_is_symmetric() -> None:
    first, second = normal(30, 40, seed=0), normal(25, 40, seed=1)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(first, second) == pytest.approx(frechet_distance(second, first), rel=1e-9)


def test_extrapolation_takes_the_bias_away() -> None:
    plain, extrapolated, apart = [], [], []
    for seed in range(4):
        first, second = normal(150, 24, seed=2 * seed), normal(150, 24, seed=2 * seed + 1)
        found = frechet_infinity(first, second, seed=seed)
        assert found.distances[0] == pytest.approx(frechet_distance(first, second))
        assert list(found.distances) == sorted(found.distances), "fewer images, larger distance"
        plain.append(found.distances[0])
        extrapolated.append(found.value)
        apart.append(frechet_infinity(first, second + 0.3, seed=seed).value)
    assert np.mean(plain) > 0.5
    assert abs(np.mean(extrapolated)) < 0.1
    assert np.mean(apart) == pytest.approx(24 * 0.3**2, abs=0.25)


def test_whole_subjects_are_drawn_to_extrapolate() -> None:
    """Ten images of a subject that are nearly one say as little as one: the bias falls with the number of subjects."""
    generator = np.random.default_rng(0)
    units = np.repeat(np.arange(40), 10)
    sets = [normal(40, 6, seed=seed)[units] + generator.normal(size=(400, 6)) * 0.01 for seed in (1, 2)]
    aware = frechet_infinity(*sets, first_units=units, second_units=units)
    blind = frechet_infinity(*sets)
    assert blind.value > 0.6 * blind.distances[0], "the number of images hardly changes the distance"
    assert aware.value < 0.3 * aware.distances[0]


def test_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="at least 2 images"):
        frechet_distance(np.zeros((1, 3)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match="at least 2 images"):
        frechet_distance(np.zeros((4, 2)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match="4 subjects"):
        frechet_infinity(normal(9, 2, seed=0), normal(9, 2, seed=1), first_units=np.arange(9) // 3)


def test_leaving_subjects_out_tells_of_them_and_not_of_the_draws() -> None:
    """With other draws each time the jackknife's error of the extrapolated distance was three times the plain one's."""
    ours, theirs = normal(120, 8, seed=0), normal(120, 8, seed=1, shift=0.1)
    places, plain, extrapolated = np.arange(120), [], []
    for group in range(20):
        kept = places[places % 20 != group]
        plain.append(frechet_distance(ours[kept], theirs[kept]))
        found = frechet_infinity(ours[kept], theirs[kept], first_units=kept, second_units=kept, seed=3)
        extrapolated.append(found.value)
    assert np.std(extrapolated) < 2 * np.std(plain)


def test_the_order_of_images_changes_nothing() -> None:
    ours, theirs = normal(40, 3, seed=0), normal(40, 3, seed=1)
    units = np.arange(40) // 2
    same = frechet_infinity(ours, theirs, first_units=units, second_units=units, seed=5)
    shuffled = np.random.default_rng(0).permutation(40)
    again = frechet_infinity(ours[shuffled], theirs, first_units=units[shuffled], second_units=units, seed=5)
    assert again.value == pytest.approx(same.value, rel=1e-9)
