from __future__ import annotations

import numpy as np
import pytest

from segmint.evaluation.two_way import mean_squares, studentised


def test_mean_squares_are_those_of_the_analysis_of_variance() -> None:
    table = np.random.default_rng(0).normal(size=(3, 7))
    table -= table.mean()
    counts = np.array([[1.0, 1, 1]]), np.ones((1, 7))
    means, found = mean_squares(table, *counts)
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    assert means[0] == pytest.approx(0)
    assert found.rows[0] == pytest.approx(7 * (rows**2).sum() / 2)
    assert found.columns[0] == pytest.approx(3 * (columns**2).sum() / 6)
    assert found.rest[0] == pytest.approx(((table - rows[:, None] - columns) ** 2).sum() / 12)


def test_a_row_counted_twice_weighs_as_much_as_two() -> None:
    table = np.random.default_rng(1).normal(size=(2, 5))
    means, _ = mean_squares(table, np.array([[2.0, 0.0]]), np.ones((1, 5)))
    assert means[0] == pytest.approx(table[0].mean())


def test_studentised_means_spread_as_student_t_does_and_are_drawn_alike_each_time() -> None:
    table = np.random.default_rng(2).normal(size=(1, 40))
    table -= table.mean()
    drawn = studentised(table, table.var(ddof=1), resamples=4000, seed=0)
    assert np.array_equal(drawn, studentised(table, table.var(ddof=1), resamples=4000, seed=0))
    assert np.quantile(drawn, 0.975) == pytest.approx(2.02, abs=0.3)
