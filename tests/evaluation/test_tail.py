"""The exponential tail: exact where the numbers are exponential."""

from __future__ import annotations

import numpy as np
import pytest

from segmint.evaluation.tail import ABOVE, Tail


def test_levels_of_exponential_numbers() -> None:
    tail = Tail.of(np.random.default_rng(0).exponential(2.0, 200_000))
    for share in (0.05, 0.01, 0.001):
        assert tail.level(share) == pytest.approx(-2 * np.log(share), rel=0.02)


def test_rarer_is_further_out_and_a_constant_has_no_tail() -> None:
    tail = Tail.of(np.random.default_rng(0).normal(size=500))
    assert tail.level(ABOVE) == tail.start < tail.level(0.01) < tail.level(0.001)
    assert Tail.of(np.full(50, 0.7)).level(0.001) == pytest.approx(0.7)
