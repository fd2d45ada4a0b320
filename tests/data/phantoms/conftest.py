"""A few subjects, drawn once."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from segmint.data.phantoms.brain import draw_brain_subject

Pair = tuple[NDArray[np.float32], NDArray[np.uint8]]


@pytest.fixture(scope="session")
def subjects() -> list[Pair]:
    """Eight subjects of 32 pixels."""
    return [draw_brain_subject(seed=3, subject=number, size=32) for number in range(1, 9)]
