"""Features brought to one scale: what it does to those it was fitted to, to constants, to outliers."""

from __future__ import annotations

import numpy as np

from segmint.reference.feature_scale import FeatureScale


def test_units_do_not_count_and_components_are_whitened() -> None:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(300, 6))
    units = 10.0 ** np.arange(-3, 3)
    plain, scaled = (FeatureScale(one, components=4)(one) for one in (features, features * units + 7))
    assert plain.shape == (300, 4)
    # Up to its sign a component is the same.
    np.testing.assert_allclose(np.abs(plain), np.abs(scaled), atol=1e-6)
    np.testing.assert_allclose(plain.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(plain.std(axis=0), 1, atol=0.1)
    assert np.abs(np.corrcoef(plain.T) - np.eye(4)).max() < 1e-6


def test_features_that_do_not_vary_are_left_out_and_outliers_bounded() -> None:
    generator = np.random.default_rng(1)
    features = np.concatenate([generator.normal(size=(80, 2)), np.full((80, 1), 3.0)], axis=1)
    scale = FeatureScale(features, components=8)
    shown = scale(np.array([[0.0, 0.0, 3.0], [0.0, 0.0, 900.0], [20.0, 0.0, 3.0], [2e6, 0.0, 3.0]]))
    assert shown.shape == (4, 2)
    np.testing.assert_array_equal(shown[0], shown[1])
    np.testing.assert_array_equal(shown[2], shown[3])
