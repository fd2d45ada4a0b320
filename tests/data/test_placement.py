"""Slices go onto the square grid and come back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segmint.data.placement import Placement

SHAPES = st.tuples(st.integers(1, 16), st.integers(1, 16))


@settings(deadline=None, max_examples=40)
@given(label=SHAPES.flatmap(lambda shape: arrays(np.uint8, shape)))
def test_padding_is_undone_exactly(label: np.ndarray) -> None:
    placement = Placement(16, 1.0)
    image = label.astype(np.float32) / 255 * 2 - 1
    assert np.array_equal(placement.undo(placement.place_label(label), label.shape, order=0), label)
    assert np.array_equal(placement.undo(placement.place_image(image), image.shape, order=1), image)


@settings(deadline=None, max_examples=40)
@given(
    label=st.tuples(st.integers(1, 60), st.integers(1, 60)).flatmap(
        lambda shape: arrays(np.uint8, shape, elements=st.sampled_from([0, 3, 7, 200]))
    ),
    size=st.integers(4, 32),
)
def test_no_id_is_invented(label: np.ndarray, size: int) -> None:
    placement = Placement(size, min(1.0, size / max(label.shape)))
    placed = placement.place_label(label)
    assert placed.shape == (size, size)
    assert set(np.unique(placed)) <= set(np.unique(label)) | {0}
    back = placement.undo(placed, label.shape, order=0)
    assert back.shape == label.shape
    assert set(np.unique(back)) <= set(np.unique(placed))


def test_images_stay_in_range_and_are_padded_with_background() -> None:
    checkers = np.indices((40, 20)).sum(axis=0) % 2 * 2.0 - 1
    placed = Placement(16, 0.4).place_image(checkers.astype(np.float32))
    assert placed.min() == -1
    assert (placed[:, :4] == -1).all()
    assert np.abs(placed[3:-3, 6:10]).max() < 0.5, "anti-aliasing turns the finest checkers grey"


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_image_and_label_stay_aligned_when_scaled(factor: int) -> None:
    placement = Placement(96 // factor, 1 / factor)
    shifts = []
    for centre in np.random.default_rng(0).uniform(36, 60, (12, 2)):
        disc = (np.hypot(*(np.indices((96, 96)) - centre[:, None, None])) < 20).astype(np.uint8)
        label = placement.place_label(disc)
        image = placement.place_image(disc.astype(np.float32) * 2 - 1)
        middles = [np.average(np.indices(label.shape), axis=(1, 2), weights=one) for one in (label, image + 1)]
        shifts.append(middles[0] - middles[1])
        back = placement.undo(label, (96, 96), order=0)
        assert 2 * (back & disc).sum() / (back.sum() + disc.sum()) > 0.93
        soft = placement.undo(image[None], (96, 96), order=1)[0] > 0
        assert 2 * (soft & (disc == 1)).sum() / (soft.sum() + disc.sum()) > 0.97
    assert np.abs(np.mean(shifts, axis=0)).max() < 0.05, "labels are shifted against images"


def test_undo_keeps_leading_axes() -> None:
    placement = Placement(8, 0.5)
    assert placement.undo(np.zeros((2, 3, 8, 8)), (16, 10), order=1).shape == (2, 3, 16, 10)
    assert placement.undo(np.zeros((2, 8, 8), np.uint8), (16, 10), order=0).dtype == np.uint8
    with pytest.raises(ValueError, match="grid of 8 x 8"):
        placement.undo(np.zeros((4, 4)), (16, 10), order=0)
    with pytest.raises(ValueError, match="order"):
        placement.undo(np.zeros((8, 8)), (16, 10), order=3)


@pytest.mark.parametrize("half_width", [1.2, 1.6])
def test_lines_thinner_than_a_pixel_keep_their_area(half_width: float) -> None:
    """Curves at a fifth of the size: few target pixels are held by half, so majority would leave dots."""
    rows, columns = np.mgrid[:320, :320]
    line = (np.abs(rows - 160 - 60 * np.sin(columns / 50)) < half_width).astype(np.uint8)
    placed = Placement(64, 0.2).place_label(line)
    majority = line.reshape(64, 5, 64, 5).mean(axis=(1, 3)) > 0.5
    assert placed.mean() == pytest.approx(line.mean(), rel=0.15)
    assert majority.mean() < 0.8 * placed.mean()


def test_blobs_are_placed_by_majority_alone() -> None:
    rows, columns = np.mgrid[:128, :128]
    disc = (np.hypot(rows - 60, columns - 70) < 30).astype(np.uint8)
    placed = Placement(64, 0.5).place_label(disc)
    share = disc.reshape(64, 2, 64, 2).mean(axis=(1, 3))
    assert ((placed == 1) | (share < 0.75)).all()
    assert ((placed == 0) | (share > 0.25)).all()
