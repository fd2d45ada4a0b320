"""Thresholds from real slices: no more than the share fails, small things have their own, invented ones do not pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from segmint.evaluation.curation.yardstick import FEWEST, set_yardstick


def slices(n: int, *, seed: int = 0, missed: float = 0.3) -> NDArray[np.int64]:
    """[n, 3] of a segmenter that misses a share of the small ones altogether and is good on large ones."""
    generator = np.random.default_rng(seed)
    area = np.exp(generator.uniform(np.log(4), np.log(600), n)).astype(np.int64)
    hit = np.where((area < 30) & (generator.random(n) < missed), 0, generator.uniform(0.8, 1, n))
    true = (area * hit).astype(np.int64)
    return np.stack([true, (area * generator.uniform(0, 0.15, n)).astype(np.int64), area - true], axis=1)


def units(n: int) -> NDArray[np.int64]:
    return np.arange(n) % 7


@settings(deadline=None, max_examples=40)
@given(
    counts=st.lists(st.tuples(*[st.integers(0, 40)] * 3), min_size=FEWEST, max_size=300),
    share=st.floats(0.01, 0.5),
)
def test_no_more_than_the_share_of_real_slices_fails(counts: Any, share: float) -> None:
    found = np.array(counts, dtype=np.int64)
    yardstick = set_yardstick(found, units(len(found)), share=share)
    present = found.sum(axis=1) > 0
    if yardstick is None:
        assert present.sum() < FEWEST
        return
    fails = yardstick.fails(found)
    assert not fails[~present].any()
    assert fails.sum() <= share * present.sum()
    assert yardstick.slices == present.sum() == sum(band.slices for band in yardstick.bands)
    assert [band.start for band in yardstick.bands] == sorted({band.start for band in yardstick.bands})


def test_small_and_large_have_thresholds_of_their_own() -> None:
    counts = slices(400)
    yardstick = set_yardstick(counts, units(400), share=0.05)
    assert yardstick is not None
    assert (len(yardstick.bands), yardstick.subjects) == (4, 7)
    small, large = yardstick.bands[0], yardstick.bands[-1]
    assert small.least == 0, "the segmenter misses real ones of this size"
    assert large.least > 0.8
    # One threshold for all would be 0, and nothing would ever fail.
    values = 2 * counts[:, 0] / (2 * counts[:, 0] + counts[:, 1] + counts[:, 2])
    assert np.quantile(values, 0.05) == 0


def test_a_large_thing_that_one_of_the_two_alone_sees_fails() -> None:
    yardstick = set_yardstick(slices(400), units(400), share=0.05)
    assert yardstick is not None
    invented, forgotten, tiny, good, absent = ([0, 0, 300], [0, 300, 0], [0, 0, 5], [300, 10, 10], [0, 0, 0])
    found = yardstick.fails(np.array([invented, forgotten, tiny, good, absent]))
    assert found.tolist() == [True, True, False, False, False]


@pytest.mark.parametrize(("n", "bands"), [(19, 0), (20, 1), (79, 1), (80, 2), (1000, 4)])
def test_bands_by_how_many_slices_there_are(n: int, bands: int) -> None:
    counts = np.concatenate([slices(n, missed=0), np.zeros((50, 3), dtype=np.int64)])
    yardstick = set_yardstick(counts, units(len(counts)), share=0.05)
    assert (0 if yardstick is None else len(yardstick.bands)) == bands


def test_equal_sizes_share_a_band() -> None:
    counts = np.repeat([[10, 0, 0]], 200, axis=0)
    yardstick = set_yardstick(counts, units(200), share=0.1)
    assert yardstick is not None
    assert [(band.start, band.slices, band.least) for band in yardstick.bands] == [(10, 200, 1.0)]
    assert yardstick.described()["bands"] == [{"from_pixels": 10, "slices": 200, "least_dice": 1.0}]
