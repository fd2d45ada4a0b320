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
from segmint.data.tiling import tile_corners
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError

MakeDataset = Callable[..., Path]


@pytest.fixture
def aligned(tmp_path: Path) -> SliceSet:
    """Slices whose image is a function of their label, so that any misalignment shows."""
    writer = DatasetWriter(
        tmp_path,
        name="x",
        channel_names=["a", "b"],
        label_names=["background", "o", "p"],
        file_ending=".png",
        conditions={"odd": ("background", "odd"), "same": ("background", "o", "p")},
    )
    rng = np.random.default_rng(1)
    for number in range(5):
        label = rng.integers(0, 3, (7, 5)).astype(np.uint8)
        image, maps = np.stack([label * 100, 255 - label * 100]), {"odd": label % 2, "same": label}
        writer.add(f"c{number}", image, label, subject=f"s{number}", conditions=maps)
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
    tile=st.sampled_from([None, 2, 3, 5, 8]),
)
def test_images_labels_and_conditions_stay_aligned(
    aligned: SliceSet, parts: list[tuple[list[int], str]], seed: int, tile: int | None
) -> None:
    chosen = [PoolPart(aligned, np.array(indices), flip) for indices, flip in parts]  # type: ignore[arg-type]
    pool, side = PairPool(chosen, tile=tile), tile or 8
    corners = tile_corners(8, aligned.padding(0), tile=side)
    flat = [(index, flip, *corner) for indices, flip in parts for index in indices for corner in corners]
    assert len(pool) == len(flat)
    positions = np.random.default_rng(seed).integers(0, len(pool), 7)
    images, labels = pool.read(positions)
    conditions = pool.read_conditions(positions)
    assert pool.conditions == {"odd": 2, "same": 3}
    assert images.shape == (7, 2, side, side)
    assert images.dtype == np.float32
    assert labels.dtype == np.uint8
    flips = {"none": np.array, "h": np.fliplr, "v": np.flipud, "hv": lambda plane: np.rot90(plane, 2)}
    for position, image, label, maps in zip(positions, images, labels, conditions, strict=True):
        index, flip, top, left = flat[position]
        window = aligned.labels[index][top : top + side, left : left + side]
        assert np.array_equal(label, flips[flip](window))
        assert np.array_equal(maps, np.stack([label % 2, label]))
        inside = image[1] > -1
        ids = np.rint((image[0] + 1) / 2 * 255 / 100)
        assert np.array_equal(ids[inside], label[inside])


def test_the_pool_knows_its_shape(aligned: SliceSet) -> None:
    pool = PairPool([PoolPart(aligned, np.array([], dtype=np.int64)), PoolPart(aligned, np.arange(3))])
    assert (len(pool), pool.channels, pool.label_count, pool.size) == (3, 2, 3, 8)
    empty_images, empty_labels = pool.read(np.array([], dtype=np.int64))
    assert empty_images.shape == (0, 2, 8, 8)
    assert empty_labels.shape == (0, 8, 8)
    assert pool.read_conditions(np.array([], dtype=np.int64)).shape == (0, 2, 8, 8)
    for read in (pool.read, pool.read_conditions):
        with pytest.raises(IndexError):
            read(np.array([3]))


def test_only_conditions_that_all_parts_have_are_read(aligned: SliceSet, make_dataset: MakeDataset) -> None:
    fitting = {"channels": ("a", "b"), "labels": ("background", "o", "p")}
    one = open_slices(
        open_dataset(make_dataset("one", conditions={"same": ("background", "o", "p")}, **fitting)), size=8
    )
    none = open_slices(open_dataset(make_dataset("none", **fitting)), size=8)
    part = PoolPart(aligned, np.arange(2))
    shared = PairPool([part, PoolPart(one, np.arange(2))])
    assert shared.conditions == {"same": 3}
    assert np.array_equal(shared.read_conditions(np.arange(4))[:, 0], shared.read(np.arange(4))[1])
    nothing = PairPool([part, PoolPart(none, np.arange(2))])
    assert nothing.conditions == {}
    assert nothing.read_conditions(np.arange(4)).shape == (4, 0, 8, 8)
    other = open_slices(
        open_dataset(make_dataset("other", conditions={"odd": ("background", "even")}, **fitting)), size=8
    )
    with pytest.raises(UserError, match=r'ids of the condition "odd" \(background, odd against background, even\)'):
        PairPool([part, PoolPart(other, np.arange(2))])


def test_tiles_are_unscaled_and_no_larger_than_slices(make_dataset: MakeDataset) -> None:
    slices = open_slices(open_dataset(make_dataset(shapes=[(20, 33), (12, 8)])), size=33)
    pool = PairPool([PoolPart(slices, np.arange(2))], tile=8)
    assert (pool.size, len(pool)) == (8, 4 * 8 + 2)
    last = pool.read(np.array([len(pool) - 1]))[1][0]
    assert np.array_equal(last, slices.original_label(1)[4:])
    assert len(PairPool([PoolPart(slices, np.arange(2))], tile=33)) == 2
    for tile in (0, 34):
        with pytest.raises(UserError, match=f"Tiles of {tile} pixels cannot be taken from slices of 33 pixels"):
            PairPool([PoolPart(slices, np.arange(2))], tile=tile)


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


def test_every_pair_has_its_subject(aligned: SliceSet) -> None:
    records = [aligned.records[i] for i in range(len(aligned.records))]
    order = np.arange(len(records))[::-1]
    pool = PairPool([PoolPart(aligned, order, "h"), PoolPart(aligned, order[:1])])
    assert pool.subjects == tuple(records[i].subject for i in [*order, order[0]])
    tiles = PairPool([PoolPart(aligned, order)], tile=aligned.size // 2)
    places = tiles.windows()[:, 0]
    assert tiles.subjects == tuple(records[order[place]].subject for place in places)


def test_labels_can_be_hidden(aligned: SliceSet) -> None:
    pool = PairPool([PoolPart(aligned, np.arange(5))], tile=3)
    hidden, positions = pool.with_labels_hidden(), np.arange(len(pool))
    assert np.array_equal(hidden.read(positions)[0], pool.read(positions)[0])
    assert pool.read(positions)[1].any()
    assert not hidden.read(positions)[1].any()
