"""What stages and the training loop tell one another."""

from __future__ import annotations

import pytest

from segmint.recipes.contract import Measurement

NAN = float("nan")


@pytest.mark.parametrize(
    ("mine", "other", "direction", "better"),
    [
        (1.0, 2.0, "lower", True),
        (2.0, 1.0, "lower", False),
        (1.0, 2.0, "higher", False),
        (2.0, 1.0, "higher", True),
        (1.0, 1.0, "lower", False),
        (1.0, 1.0, "higher", False),
        (1.0, None, "lower", True),
        (1.0, NAN, "higher", True),
        (NAN, 1.0, "lower", False),
        (NAN, 1.0, "higher", False),
        (NAN, None, "lower", False),
        (NAN, NAN, "higher", False),
    ],
)
def test_which_measurement_is_better(*, mine: float, other: float | None, direction: str, better: bool) -> None:
    reference = None if other is None else Measurement("m", other, direction)
    assert Measurement("m", mine, direction).better_than(reference) is better
