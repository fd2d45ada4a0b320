"""How metrics of images and where they were taken are called, and how their numbers are said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

METRIC_WORDS: Mapping[str, str] = {
    "frechet_distance": "Fréchet distance",
    "frechet_infinity": "Fréchet distance, extrapolated",
    "kernel_distance": "kernel distance (KID)",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "clipped_density": "clipped density",
    "clipped_coverage": "clipped coverage",
    "feature_spread": "spread",
    "ms_ssim": "MS-SSIM between two images",
    "intensity_distance": "intensities",
    "spectrum_difference": "spectrum",
    "high_frequency_excess": "high frequencies",
    "highest_excess": "highest excess of one frequency",
}

BETTER: Mapping[str, str] = {"lower": "lower", "higher": "higher", "as real": "as real", "zero": "0"}

_PERCENT, _DECIBEL = ("intensity_distance",), ("spectrum_difference", "high_frequency_excess", "highest_excess")
_SIGNED = ("high_frequency_excess", "highest_excess")


def say_number(metric: str, value: float) -> str:
    """With its unit: intensities as a share of their range, spectra in decibel."""
    unit = "%" if metric in _PERCENT else " dB" if metric in _DECIBEL else ""
    return say_bare(metric, value) + unit


def say_bare(metric: str, value: float) -> str:
    """The same without its unit."""
    value, digits = (100 * value, 1) if metric in _PERCENT else (value, 1) if metric in _DECIBEL else (value, 2)
    # Adding 0 makes a zero of what is rounded to minus zero.
    said = f"{round(value, digits) + 0.0:{'+' if metric in _SIGNED else ''}.{digits}f}"
    return said.replace("-", "−")


def features_of(name: str) -> str:
    """In whose features, as part of a sentence."""
    named = {"random network": "the features of a random network", "radiomics": "radiomic features"}
    return named.get(name, f"the features of {'the ' if name == 'segmenter' else ''}{name}")


def where(row: Mapping[str, Any]) -> str:
    """What a row of `measures` is of: a network, a channel, a label inside a channel."""
    return f"{row['of']}, {row['inside']}" if row["inside"] else str(row["of"])


def others(kind: str | None) -> str:
    """The real images of the yardstick."""
    return "held-out real images" if kind == "held-out subjects" else "other real images"
