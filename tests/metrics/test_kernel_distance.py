from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.image.kid import poly_mmd

from segmint.metrics.kernel_distance import DIRECTION, NAME, RANGE, kernel_distance


def drawn(n: int, *, seed: int, shift: float = 0.0, d: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def test_declares_what_it_is() -> None:
    assert ("kernel_distance", "lower", (float("-inf"), float("inf"))) == (NAME, DIRECTION, RANGE)


def test_agrees_with_torchmetrics() -> None:
    first, second = drawn(50, seed=0), drawn(50, seed=1, shift=0.3)
    expected = float(poly_mmd(torch.from_numpy(first), torch.from_numpy(second)))
    assert kernel_distance(first, second) == pytest.approx(expected, rel=1e-9)


def test_on_average_nothing_between_samples_of_one_distribution_however_few() -> None:
    values = [kernel_distance(drawn(15, seed=2 * seed), drawn(20, seed=2 * seed + 1)) for seed in range(300)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))
    assert min(values) < 0 < max(values)


def test_grows_with_a_shift() -> None:
    values = [kernel_distance(drawn(100, seed=0), drawn(100, seed=1, shift=shift)) for shift in (0, 0.3, 0.6, 1.2)]
    assert values == sorted(values)


def test_images_of_one_subject_do_not_count_as_a_difference() -> None:
    units = np.repeat(np.arange(12), 8)
    aware, blind = [], []
    for seed in range(60):
        first, second = (drawn(12, seed=2 * seed + side)[units] for side in (0, 1))
        aware.append(kernel_distance(first, second, first_units=units, second_units=units))
        blind.append(kernel_distance(first, second))
    error = np.std(aware) / np.sqrt(len(aware))
    assert abs(np.mean(aware)) < 3 * error
    assert np.mean(blind) > 3 * error


def test_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="two subjects"):
        kernel_distance(drawn(5, seed=0), drawn(5, seed=1), second_units=np.zeros(5, dtype=int))
    with pytest.raises(ValueError, match=r"\[n, D\]"):
        kernel_distance(drawn(5, seed=0), drawn(5, seed=1, d=3))
