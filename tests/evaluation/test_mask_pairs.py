"""Pairwise Dice of drawn masks beside real ones, with its interval."""

from __future__ import annotations

import numpy as np
import pytest

from segmint.evaluation.mask_pairs import compare_pairs
from segmint.evaluation.mask_set import MaskSet


def squares(count: int, seed: int, *, spread: int = 40) -> MaskSet:
    """Squares of 16 pixels somewhere in 64; a small spread makes them alike."""
    masks = np.zeros((count, 64, 64), dtype=np.uint8)
    for mask, (row, column) in zip(masks, np.random.default_rng(seed).integers(0, spread, (count, 2)), strict=True):
        mask[row : row + 16, column : column + 16] = 1
    return MaskSet(masks, [f"{seed}-{i}" for i in range(count)])


def test_masks_that_vary_alike_have_about_one_percent_above() -> None:
    found = compare_pairs(squares(80, 0), squares(80, 1), seed=0)
    assert found is not None
    assert found["share_above"] < 0.05
    assert found["interval"][0] <= 0.01 <= found["interval"][1]
    assert found["real"]["median"] == pytest.approx(found["drawn"]["median"], abs=0.1)


def test_masks_that_vary_less_lie_above_with_certainty() -> None:
    found = compare_pairs(squares(80, 0, spread=8), squares(80, 1), seed=0)
    assert found is not None
    assert found["share_above"] > 0.2
    assert found["interval"][0] > 0.05
    assert found["interval"][0] <= found["share_above"] <= found["interval"][1]


def test_pairs_of_one_subject_do_not_count() -> None:
    real = squares(40, 1)
    doubled = MaskSet(np.repeat(real.labels, 2, axis=0), np.repeat(real.subjects, 2).tolist())
    once, twice = (compare_pairs(squares(20, 0), one, seed=0) for one in (real, doubled))
    assert once is not None
    assert twice is not None
    assert twice["real"]["percentile_99"] == pytest.approx(once["real"]["percentile_99"], abs=0.05)
    alone = MaskSet(real.labels, ["one"] * 40)
    assert compare_pairs(squares(20, 0), alone, seed=0) is None
