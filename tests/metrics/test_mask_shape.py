"""Hand-drawn masks whose area, pieces, holes and skeletons are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.measure import euler_number, label
from skimage.morphology import skeletonize

from segmint.metrics.mask_shape import DIRECTION, MEASURES, RANGES, MaskShape, mask_shape, mask_shapes

DIAGONAL = float(np.sqrt(2))
masks = hnp.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9)))


def drawn(picture: str) -> np.ndarray:
    return np.array([[character == "#" for character in line] for line in picture.split()])


LINE = drawn("........ .######. ........")
STAIRS = drawn("#..... .#.... ..#... ...#.. ....#. .....#")
T = drawn("####### ...#... ...#... ...#...")
PLUS = drawn("..#.. ..#.. ##### ..#.. ..#..")
RING = drawn(".####. .#..#. .#..#. .####.")
Y = drawn("#.....# .#...#. ..#.#.. ...#... ...#... ...#...")
TWO = drawn("###...# ......# ......# ......#")


@pytest.mark.parametrize(
    ("mask", "components", "holes", "length", "branches"),
    [
        (LINE, 1, 0, 5.0, 0),
        (STAIRS, 1, 0, 5 * DIAGONAL, 0),
        (T, 1, 0, 9.0, 1),
        (PLUS, 1, 0, 8.0, 1),
        (Y, 1, 0, 2.0 + 6 * DIAGONAL, 1),
        (TWO, 2, 0, 5.0, 0),
    ],
)
def test_lines_of_one_pixel(mask: np.ndarray, components: int, holes: int, length: float, branches: int) -> None:
    assert np.array_equal(skeletonize(mask), mask), "the drawing is not its own skeleton"
    shape = mask_shape(mask)
    assert (shape.components, shape.holes, shape.branch_points) == (components, holes, branches)
    assert shape.skeleton_length == pytest.approx(length)
    assert shape.area_share == pytest.approx(mask.mean())


def test_a_ring_has_a_hole_and_a_closed_skeleton() -> None:
    shape = mask_shape(RING)
    assert (shape.components, shape.holes, shape.branch_points) == (1, 1, 0)
    thick = mask_shape(np.pad(np.kron(RING, np.ones((3, 3), dtype=bool)), 3))
    assert (thick.components, thick.holes, thick.branch_points) == (1, 1, 0)
    assert thick.skeleton_length == pytest.approx(30, abs=4)  # along the middle: 2 x 9 and 2 x 9, corners cut


def test_a_thick_cross_has_the_branch_point_of_a_thin_one() -> None:
    thick = np.zeros((61, 61), dtype=bool)
    thick[28:33, 5:56] = thick[5:56, 28:33] = True
    shape = mask_shape(thick)
    assert shape.branch_points == 1
    assert shape.skeleton_length == pytest.approx(100, abs=10)


def test_a_gap_adds_a_component_and_shortens_the_skeleton() -> None:
    whole = np.zeros((20, 40), dtype=bool)
    whole[9:12, 3:37] = True
    broken = whole.copy()
    broken[:, 18:22] = False
    before, after = mask_shape(whole), mask_shape(broken)
    assert (before.components, after.components) == (1, 2)
    assert after.skeleton_length < before.skeleton_length - 4


def test_pieces_that_touch_at_a_corner_hang_together_and_shut_in_nothing() -> None:
    shape = mask_shape(drawn(".#. #.# .#."))
    assert (shape.components, shape.holes) == (1, 1)
    assert mask_shape(drawn("## #.")).holes == 0
    assert mask_shape(drawn("#.# ### ...")).holes == 0


def test_empty_and_full_masks() -> None:
    nothing = mask_shape(np.zeros((5, 7), dtype=bool))
    assert nothing == MaskShape(0.0, 0, 0, 0.0, 0, nothing.solidity, nothing.centre_row, nothing.centre_column)
    assert np.isnan([nothing.solidity, nothing.centre_row, nothing.centre_column]).all()
    full = mask_shape(np.ones((5, 7), dtype=bool))
    assert (full.area_share, full.components, full.holes) == (1.0, 1, 0)
    assert (full.solidity, full.centre_row, full.centre_column) == (1.0, 0.5, 0.5)


@pytest.mark.parametrize(
    ("mask", "hull"),
    [
        (LINE, 6.0),
        (STAIRS, 11.0),  # 6 pixels at corners: a band from the first to the last
        (PLUS, 17.0),  # 5 x 5 less four corner triangles of 2 x 2 / 2
        (RING, 16.0),
        (TWO, 3.0 + 4.0),  # two pieces, both straight: a hull each
        (drawn("#"), 1.0),
        (drawn("#. .#"), 3.0),
    ],
)
def test_solidity_is_the_area_over_that_of_the_convex_hulls(mask: np.ndarray, hull: float) -> None:
    assert mask_shape(mask).solidity == pytest.approx(np.count_nonzero(mask) / hull)


def test_a_disc_is_more_compact_than_a_ragged_one_wherever_its_pieces_lie() -> None:
    rows, columns = np.mgrid[:40, :40]
    disc = np.hypot(rows - 12, columns - 12) < 9
    ragged = disc & (np.random.default_rng(0).random(disc.shape) < 0.7)
    two = disc | (np.hypot(rows - 32, columns - 32) < 5)
    assert mask_shape(disc).solidity > 0.93
    assert mask_shape(ragged).solidity < 0.8
    assert mask_shape(two).solidity > 0.9


def test_the_centre_is_a_share_of_the_sides() -> None:
    shape = mask_shape(drawn("....#... ....#... ........ ........"))
    assert (shape.centre_row, shape.centre_column) == (0.25, 4.5 / 8)
    assert mask_shape(drawn("........ ........ .#.#.... .#.#....")).centre_column == 2.5 / 8


@settings(deadline=None, max_examples=60)
@given(masks)
def test_agrees_with_the_euler_number_and_does_not_change_with_turning(mask: np.ndarray) -> None:
    shape = mask_shape(mask)
    assert shape.components == label(mask, connectivity=2).max()
    assert shape.components - shape.holes == euler_number(np.pad(mask, 1), connectivity=2)
    turned = mask_shape(np.rot90(mask))
    assert (turned.area_share, turned.components, turned.holes) == (shape.area_share, shape.components, shape.holes)
    assert set(RANGES) == set(MEASURES)
    for name in MEASURES:
        low, high = RANGES[name]
        assert not mask.any() or low <= getattr(shape, name) <= high
    if mask.any():
        assert turned.solidity == pytest.approx(shape.solidity)
        assert turned.centre_row == pytest.approx(1 - shape.centre_column)
        assert turned.centre_column == pytest.approx(shape.centre_row)


@settings(deadline=None, max_examples=20)
@given(masks, st.integers(0, 5))
def test_background_around_changes_nothing_but_the_share(mask: np.ndarray, width: int) -> None:
    alone, framed = mask_shape(mask), mask_shape(np.pad(mask, width))
    for name in ("components", "holes", "skeleton_length", "branch_points", "solidity"):
        assert getattr(alone, name) == pytest.approx(getattr(framed, name), nan_ok=True)


def test_many_at_once() -> None:
    many = mask_shapes(np.stack([RING, np.zeros_like(RING)]))
    assert tuple(many) == MEASURES
    assert many["holes"].tolist() == [1.0, 0.0]
    assert DIRECTION == "as real"


@pytest.mark.parametrize("shape", [(4,), (2, 3, 3), (0, 4)])
def test_refuses_what_is_no_mask(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="H, W"):
        mask_shape(np.zeros(shape, dtype=bool))
