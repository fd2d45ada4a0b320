from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from segmint.metrics.feature_spread import DIRECTION, NAME, RANGE, feature_spread


def test_is_the_mean_distance_of_two_images_of_different_subjects() -> None:
    points = np.random.default_rng(0).normal(size=(20, 3))
    assert ("feature_spread", "as real", (0.0, float("inf"))) == (NAME, DIRECTION, RANGE)
    assert feature_spread(points) == pytest.approx(pdist(points).mean())
    assert feature_spread([[0.0], [1.0], [4.0]], units=np.array([0, 0, 1])) == pytest.approx(3.5)
    with pytest.raises(ValueError, match="two subjects"):
        feature_spread(points, units=np.zeros(20, dtype=int))


def test_falls_as_images_repeat() -> None:
    points = np.random.default_rng(0).normal(size=(40, 5))
    values = [feature_spread(points[np.arange(40) % kept]) for kept in (40, 10, 3)]
    assert values == sorted(values, reverse=True)
