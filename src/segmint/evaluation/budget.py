"""How long each segmenter of a trial trains where the user does not say."""

from __future__ import annotations

BATCH = 16


def default_steps(size: int) -> int:
    """Optimiser steps of a cell for slices of `size` pixels."""
    return 800 if size <= 64 else 1200
