"""A pool reads several parts as one and flips images and labels alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmint.data.dataset import open_dataset
from segmint.data.pool import PairPool, PoolPart
from segmint.data.slices import SliceSet, open_slices
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError

MakeDataset = Callable[..., Path]


@pytest.fixture
def aligned(tmp_path: Path) -> SliceSet:
    """Slices whose image is a function of their label, so that any misalignment shows."""
    writer = DatasetWriter(
        tmp_path, name="x", channel_names=["a", "b"], label_names=["background", "o", "p"], file_ending=".png"
    )
    rng = np.random.default_rng(1)
    for number in range(5):
        label = rng.integers(0, 3, (7, 5)).astype(np.uint8)
        writer.add(f"c{number}", np.stack([label * 100, 255 - label * 100]), label, subject=f"s{number}")
    writer.finish()
    return open_slices(open_dataset(tmp_path), size=8)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(
        st.tuples(st.lists(st.integers(0, 4), min_size=1, max_size=5), st.sampled_from(["none", "h", "v", "hv"])),
        min_size=1,
        max_size=4,
    ),
    seed=st.integers(0, 99),
)
def test_images_and_labels_stay_aligned(aligned: SliceSet, parts: list[tuple[list[int], str]], seed: int) -> None:
    pool = PairPool([PoolPart(aligned, np.array(indices), flip) for indices, flip in parts])  # type: ignore[arg-type]
    flat = [(index, flip) for indices, flip in parts for index in indices]
    assert len(pool) == len(flat)
    positions = np.random.default_rng(seed).integers(0, len(pool), 7)
    images, labels = pool.read(positions)
    assert images.shape == (7, 2, 8, 8)
    assert images.dtype == np.float32
    assert labels.dtype == np.uint8
    flips = {"none": np.array, "h": np.fliplr, "v": np.flipud, "hv": lambda plane: np.rot90(plane, 2)}
    for position, image, label in zip(positions, images, labels, strict=True):
        index, flip = flat[position]
        assert np.array_equal(label, flips[flip](aligned.labels[index]))
        inside = image[1] > -1
        ids = np.rint((image[0] + 1) / 2 * 255 / 100)
        assert np.array_equal(ids[inside], label[inside])


def test_the_pool_knows_its_shape(aligned: SliceSet) -> None:
    pool = PairPool([PoolPart(aligned, np.array([], dtype=np.int64)), PoolPart(aligned, np.arange(3))])
    assert (len(pool), pool.channels, pool.label_count, pool.size) == (3, 2, 3, 8)
    empty_images, empty_labels = pool.read(np.array([], dtype=np.int64))
    assert empty_images.shape == (0, 2, 8, 8)
    assert empty_labels.shape == (0, 8, 8)
    with pytest.raises(IndexError):
        pool.read(np.array([3]))


def test_parts_must_fit_together(aligned: SliceSet, make_dataset: MakeDataset) -> None:
    everything = np.arange(2)
    other_channels = open_slices(open_dataset(make_dataset("one")), size=8)
    with pytest.raises(UserError, match=r"differ in their channels \(a, b against grey\)"):
        PairPool([PoolPart(aligned, everything), PoolPart(other_channels, everything)])
    other_labels = open_slices(open_dataset(make_dataset("two", channels=("a", "b"))), size=8)
    with pytest.raises(UserError, match="differ in their labels"):
        PairPool([PoolPart(aligned, everything), PoolPart(other_labels, everything)])
    other_size = open_slices(aligned.dataset, size=16)
    with pytest.raises(UserError, match="cut to 8 and 16 pixels"):
        PairPool([PoolPart(aligned, everything), PoolPart(other_size, everything)])
    with pytest.raises(UserError, match="no slices to read"):
        PairPool([PoolPart(aligned, np.array([], dtype=np.int64))])
