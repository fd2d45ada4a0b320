"""Numbers of masks as they are read."""

from __future__ import annotations

import pytest

from segmint.evaluation.mask_words import MEASURE_WORDS, say, say_bare
from segmint.metrics.mask_shape import MEASURES


def test_every_measure_has_words() -> None:
    assert tuple(MEASURE_WORDS) == MEASURES


@pytest.mark.parametrize(
    ("measure", "value", "said"),
    [
        ("area_share", 0.0612, "6.1%"),
        ("area_share", 0.5, "50%"),
        ("skeleton_length", 804.4, "804 px"),
        ("components", 12.0, "12"),
        ("branch_points", 27.5, "27.5"),
        ("solidity", 0.8765, "88%"),
        ("centre_row", 0.4251, "43%"),
        ("centre_column", 0.06, "6%"),
    ],
)
def test_numbers_are_said_with_their_unit(measure: str, value: float, said: str) -> None:
    assert say(measure, value) == said
    assert say_bare(measure, value) == said.rstrip("% px")
