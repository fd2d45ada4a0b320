"""Intensity maps are invertible, and the defaults fit the modality."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmint.data.intensity import (
    IntensityMap,
    default_intensity,
    is_ct,
    median_intensity,
    percentile_intensity,
)


@settings(deadline=None, max_examples=50)
@given(
    low=st.floats(-5000, 5000),
    width=st.floats(0.01, 70000),
    share=st.lists(st.floats(0, 1), min_size=1, max_size=20),
)
def test_normalising_is_inverted(low: float, width: float, share: list[float]) -> None:
    one = IntensityMap("window", low, low + width)
    values = np.float32(low) + np.array(share, dtype=np.float32) * np.float32(width)
    normalised = one.normalise(values)
    assert normalised.dtype == np.float32
    assert normalised.min() >= -1
    assert normalised.max() <= 1
    assert np.allclose(one.restore(normalised), values, atol=2e-6 * (abs(low) + width) + 1e-6)


def test_every_16_bit_value_comes_back_exactly() -> None:
    values = np.arange(65536, dtype=np.uint16)
    one = IntensityMap("percentile", 0.0, 65535.0)
    assert np.array_equal(np.rint(one.restore(one.normalise(values))).astype(np.uint16), values)


def test_values_outside_are_clipped() -> None:
    assert IntensityMap("fixed", 0, 10).normalise([-5, 0, 5, 10, 99]).tolist() == [-1, -1, 0, 1, 1]


@pytest.mark.parametrize(("low", "high"), [(1, 1), (2, 1), (float("nan"), 1), (0, float("inf"))])
def test_impossible_maps_are_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="low < high"):
        IntensityMap("fixed", low, high)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CT", True),
        ("ct", True),
        ("low-dose CT", True),
        ("CT_portal", True),
        ("OCT", False),
        ("T1", False),
        ("contrast", False),
    ],
)
def test_ct_is_told_from_other_names(name: str, expected: bool) -> None:
    assert is_ct(name) is expected


def test_defaults_by_modality() -> None:
    values = np.arange(1000)
    assert default_intensity(values, channel_name="CT", eight_bit=True) == IntensityMap("fixed", 0, 255)
    assert default_intensity(values, channel_name="CT", eight_bit=False) == IntensityMap("window", -1000, 1000)
    assert default_intensity(values, channel_name="T1", eight_bit=False) == IntensityMap("percentile", 4.995, 994.005)


def test_a_constant_background_does_not_decide_the_percentiles() -> None:
    values = np.concatenate([np.zeros(900), np.linspace(100, 200, 100)])
    one = percentile_intensity(values)
    assert one.low == 0
    assert 199 < one.high < 200
    assert one.restore(one.normalise(np.zeros(1))) == 0


def test_constant_and_nearly_constant_images_have_a_map() -> None:
    assert percentile_intensity(np.full(9, 7.0)) == IntensityMap("percentile", 7, 8)
    almost = np.full(1001, 5.0)
    almost[0], almost[1] = 4.0, 9.0
    assert percentile_intensity(almost) == IntensityMap("percentile", 4, 9)


def test_the_median_map_is_robust_to_one_odd_case() -> None:
    maps = [IntensityMap("percentile", 0, high) for high in (90, 100, 9000)]
    assert median_intensity(maps) == IntensityMap("percentile", 0, 100)
    with pytest.raises(ValueError, match="no intensity maps"):
        median_intensity([])
