from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from segmint.metrics.intensity_distance import (
    BINS,
    DIRECTION,
    NAME,
    RANGE,
    intensity_distance,
    intensity_histograms,
)


def images(n: int, *, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.clip(np.random.default_rng(seed).normal(0, 0.25, size=(n, 12, 12)) + shift, -1, 1)


def test_declares_what_it_is() -> None:
    assert (NAME, DIRECTION, RANGE) == ("intensity_distance", "lower", (0.0, 1.0))


def test_agrees_with_scipy() -> None:
    first, second = images(9, seed=0), images(7, seed=1, shift=0.2) ** 3
    histograms = [intensity_histograms(one).sum(axis=0) for one in (first, second)]
    centres = (np.arange(BINS) + 0.5) / BINS
    binned = wasserstein_distance(centres, centres, *histograms)
    assert intensity_distance(*histograms) == pytest.approx(binned, rel=1e-9)
    exact = wasserstein_distance(first.ravel(), second.ravel()) / 2
    assert intensity_distance(*histograms) == pytest.approx(exact, abs=1 / BINS)


def test_a_shift_costs_its_share_of_the_range() -> None:
    first = images(20, seed=0)
    values = [
        intensity_distance(*(intensity_histograms(one).sum(axis=0) for one in (first, images(20, seed=1, shift=shift))))
        for shift in (0.0, 0.1, 0.2)
    ]
    assert values == pytest.approx([0, 0.05, 0.1], abs=0.01)


def test_only_what_lies_inside_counts_and_ends_of_the_range_do() -> None:
    values = np.array([[[-1.0, 1.0], [0.0, 5.0]]])
    assert intensity_histograms(values).sum() == 4
    inside = np.array([[[True, True], [False, False]]])
    counted = intensity_histograms(values, inside=inside)
    assert counted.shape == (1, BINS)
    assert counted[0, 0] == counted[0, -1] == 1
    assert np.isnan(intensity_distance(counted[0], np.zeros(BINS)))
