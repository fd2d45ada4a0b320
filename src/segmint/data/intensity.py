"""How stored intensities become the [-1, 1] of the training loop, and come back."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

CT_WINDOW = (-1000.0, 1000.0)
"""Hounsfield units kept by default: air to bone. Soft tissue alone needs a narrower, given window."""
EIGHT_BIT = (0.0, 255.0)
PERCENTILES = (0.5, 99.5)

_CONSTANT_BACKGROUND_SHARE = 0.1
_BRIGHTEST = 99.95
_CT_WORDS = frozenset({"ct", "cta", "cbct"})


@dataclass(frozen=True)
class IntensityMap:
    """A linear map from [low, high] in stored units to [-1, 1], invertible up to clipping.

    Args:
        kind: Where the ends come from: "fixed" (the range of the file format), "percentile" (of the case),
            "window" (given in stored units, such as Hounsfield units).
        low: Stored value that becomes -1.
        high: Stored value that becomes 1.

    Raises:
        ValueError: the ends are not finite, or `high` is not above `low`.
    """

    kind: Literal["fixed", "percentile", "window"]
    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.high > self.low):
            raise ValueError(f"an intensity map needs finite ends with low < high, not {self.low} and {self.high}")

    def normalise(self, values: ArrayLike) -> NDArray[np.float32]:
        """Stored units -> [-1, 1], float32, clipped."""
        scaled = (np.asarray(values, dtype=np.float32) - np.float32(self.low)) * np.float32(
            2.0 / (self.high - self.low)
        )
        clipped: NDArray[np.float32] = np.clip(scaled - np.float32(1.0), -1.0, 1.0)
        return clipped

    def restore(self, values: ArrayLike) -> NDArray[np.float32]:
        """[-1, 1] -> stored units, float32."""
        unit = (np.asarray(values, dtype=np.float32) + np.float32(1.0)) * np.float32(0.5)
        return unit * np.float32(self.high - self.low) + np.float32(self.low)


def is_ct(channel_name: str) -> bool:
    """Whether a channel name says that values are Hounsfield units ("CT", "CT_portal", "low-dose CT"; not "OCT")."""
    return not _CT_WORDS.isdisjoint(re.split(r"[^a-z]+", channel_name.lower()))


def default_intensity(values: NDArray[Any], *, channel_name: str, eight_bit: bool) -> IntensityMap:
    """The map of one channel of one case where none was recorded.

    Eight-bit pictures keep their fixed range, CT gets a window, everything else (MR, 16-bit, float) its percentiles.

    Args:
        values: The channel, any shape, stored units, finite.
        channel_name: From dataset.json.
        eight_bit: The file stores 8 bits a channel (PNG or TIFF).
    """
    if eight_bit:
        return IntensityMap("fixed", *EIGHT_BIT)
    if is_ct(channel_name):
        return IntensityMap("window", *CT_WINDOW)
    return percentile_intensity(values)


def percentile_intensity(values: NDArray[Any]) -> IntensityMap:
    """Percentiles 0.5 and 99.5 of the values.

    Where a tenth or more of the values is exactly the minimum (skull-stripped or padded images), the background would
    decide the percentiles; then the upper end is taken from the rest alone, and the lower end is the background value
    itself, so that background stays -1 and comes back exactly.
    """
    flat = np.asarray(values, dtype=np.float32).ravel()
    lowest = float(flat.min())
    foreground = flat[flat > lowest]
    if foreground.size == 0:
        return IntensityMap("percentile", lowest, lowest + 1.0)
    if foreground.size <= (1.0 - _CONSTANT_BACKGROUND_SHARE) * flat.size:
        low, high = lowest, float(np.percentile(foreground, PERCENTILES[1]))
    else:
        low, high = (float(end) for end in np.percentile(flat, PERCENTILES))
    if high <= low:
        low, high = lowest, float(flat.max())
    return IntensityMap("percentile", low, high)


def clipped_contrast(values: NDArray[Any], found: IntensityMap) -> float:
    """How far the brightest half a thousandth of the values lies above the top of a map, in units of the map's range.

    Percentiles of an image that is mostly background may lie within the background's noise; then all that is to be seen is as
    white as can be.
    """
    return (float(np.percentile(values, _BRIGHTEST)) - found.high) / (found.high - found.low)


def median_intensity(maps: Sequence[IntensityMap]) -> IntensityMap:
    """The map with the median ends of several, in which synthetic images are given back.

    Raises:
        ValueError: `maps` is empty.
    """
    if not maps:
        raise ValueError("no intensity maps to take the median of")
    low = float(np.median([one.low for one in maps]))
    high = float(np.median([one.high for one in maps]))
    return IntensityMap(maps[0].kind, low, high)
