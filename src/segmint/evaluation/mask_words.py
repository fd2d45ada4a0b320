"""Measures of masks in words, and their numbers as they are read."""

from __future__ import annotations

from collections.abc import Mapping

from segmint.metrics.mask_shape import POSITIONS

MEASURE_WORDS: Mapping[str, str] = {
    "area_share": "area",
    "components": "components",
    "holes": "holes",
    "skeleton_length": "skeleton length",
    "branch_points": "branch points",
    "solidity": "compactness",
    "centre_row": "place from the top",
    "centre_column": "place from the left",
}


MEASURE_UNITS: Mapping[str, str] = {
    "area_share": "%",
    "skeleton_length": "px",
    "solidity": "%",
    "centre_row": "%",
    "centre_column": "%",
}


def say(measure: str, value: float) -> str:
    """A measured number as it is read: areas, compactness and places in percent, lengths in whole pixels."""
    unit = MEASURE_UNITS.get(measure, "")
    return say_bare(measure, value) + (f" {unit}" if unit == "px" else unit)


def say_bare(measure: str, value: float) -> str:
    """The same without its unit."""
    if measure == "area_share":
        return f"{100 * value:.2g}" if value < 0.1 else f"{100 * value:.0f}"
    if measure == "solidity" or measure in POSITIONS:
        return f"{100 * value:.0f}"
    return f"{value:.0f}" if measure == "skeleton_length" else f"{value:.3g}"
