"""How far apart two grids lie."""

from __future__ import annotations

import numpy as np
import pytest

from segmint.data.grid import distance_apart


def test_rounding_is_none_and_a_turn_is_seen_at_the_far_corner() -> None:
    affine = np.diag([0.5, 0.5, 3.0, 1.0])
    shifted, turned, mirrored = affine.copy(), affine.copy(), affine.copy()
    shifted[0, 3] = 0.049
    assert distance_apart((100, 100, 10), affine, shifted) is None
    shifted[0, 3] = 0.051
    assert distance_apart((100, 100, 10), affine, shifted) == pytest.approx(0.051)
    turned[:2, :2] = 0.5 * np.array([[np.cos(0.01), -np.sin(0.01)], [np.sin(0.01), np.cos(0.01)]])
    assert distance_apart((5, 5), affine, turned) is None
    assert distance_apart((101, 1), affine, turned) == pytest.approx(0.5, abs=1e-4)
    mirrored[0, 0], mirrored[0, 3] = -0.5, 49.5
    assert distance_apart((100, 100, 10), affine, mirrored) == pytest.approx(49.5)
