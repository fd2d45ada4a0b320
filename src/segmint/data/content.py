"""Marks of images by what is in them: equal for equal pixels, whatever the file, its format or whom it is said to show."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

# An image of fewer values, such as an empty slice or a padded circle, may be that of any patient.
FEWEST_VALUES = 16
# Of so many slices a subject is known again: the whole subject for sure, a tenth of its slices with a chance of four in five.
MARKS_KEPT = 16
_SAMPLED = 4096


def mark_of(image: NDArray[np.float32]) -> str:
    """16 hex digits of a hash over shape and values of an image [C, h, w] in stored units; "" where it has fewer than 16 values."""
    values = np.ascontiguousarray(image, dtype="<f4") + np.float32(0)  # -0.0 and 0.0 are one value
    if _has_few_values(values):
        return ""
    return hashlib.blake2b(repr(values.shape).encode() + values.tobytes(), digest_size=8).hexdigest()


def kept_marks(marks: Iterable[str]) -> tuple[str, ...]:
    """The smallest of the marks of a subject's slices: the same ones wherever its slices are the same, in any order."""
    return tuple(sorted(set(marks) - {""})[:MARKS_KEPT])


def _has_few_values(values: NDArray[np.float32]) -> bool:
    sample = values.ravel()[:: max(1, values.size // _SAMPLED)]
    return len(np.unique(sample)) < FEWEST_VALUES and len(np.unique(values)) < FEWEST_VALUES
