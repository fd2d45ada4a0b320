"""How much of what is found chance explains, from how alike training images are."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from segmint.evaluation.plain_images import SAME, Plainness, _of


def similarities(near: float, spread: float, *, count: int = 80) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Of images of 20 subjects: -log(1 - similarity) begins at `near` and has an exponential tail."""
    logs = near + np.random.default_rng(0).exponential(spread, count)
    return 1 - np.exp(-logs), np.arange(count) % 20


def test_what_never_comes_near_explains_nothing() -> None:
    ordinary = _of(*similarities(2.5, 0.1))
    assert ordinary.alike == 0
    assert ordinary.share < 1e-6
    assert not ordinary.explains(1, 1000)


def test_a_few_are_explained_where_others_all_but_pass_and_many_are_not() -> None:
    bar = -np.log(1 - SAME)
    plain = _of(*similarities(bar - 0.8, 0.12))
    assert plain.alike == 0
    assert plain.explains(1, 60)
    assert not plain.explains(20, 60)
    assert not plain.explains(0, 60)


def test_where_some_pass_the_upper_bound_counts() -> None:
    similarity, units = np.full(80, 0.9), np.arange(80) % 20
    similarity[:8] = 0.998
    plain = _of(similarity, units)
    assert plain.alike == 8
    assert 0.2 < plain.share < 0.5
    assert plain.explains(9, 60)
    assert not plain.explains(50, 60)
    assert plain.described() == {"images": 80, "alike": 8, "share": pytest.approx(plain.share)}
    assert Plainness(80, 80, 1.0).explains(60, 60)
