"""How a difference in Dice is written."""

from __future__ import annotations


def points(difference: float, *, signed: bool = False) -> str:
    """A Dice difference in points (hundredths), with as many decimals as it takes not to show a difference as 0."""
    value = 100 * difference
    decimals = next((count for count in (1, 2, 3) if round(value, count) != 0), 1)
    text = f"{value:+.{decimals}f}" if signed else f"{value:.{decimals}f}"
    return text.replace("-", "−")
