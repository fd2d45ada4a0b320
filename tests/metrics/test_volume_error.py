from __future__ import annotations

import numpy as np

from segmint.metrics.volume_error import (
    DIRECTIONS,
    NAMES,
    RANGES,
    absolute_volume_error,
    false_positive_volume,
    relative_volume_error,
)

# Right, too large, too small, missed, false alarm, both empty.
PREDICTED, TRUE = [8.0, 12.0, 2.0, 0.0, 5.0, 0.0], [8.0, 8.0, 8.0, 8.0, 0.0, 0.0]


def test_declares_what_it_is() -> None:
    assert set(NAMES) == set(DIRECTIONS) == set(RANGES)


def test_errors_and_conventions_for_absent_labels() -> None:
    nan = np.nan
    for measure, expected in (
        (absolute_volume_error, [0, 4, 6, 8, 5, nan]),
        (relative_volume_error, [0, 0.5, -0.75, -1, nan, nan]),
        (false_positive_volume, [nan, nan, nan, nan, 5, 0]),
    ):
        assert np.array_equal(measure(PREDICTED, TRUE), expected, equal_nan=True), measure.__name__
