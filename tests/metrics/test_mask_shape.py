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
    assert mask_shape(np.zeros((5, 7), dtype=bool)) == MaskShape(0.0, 0, 0, 0.0, 0)
    full = mask_shape(np.ones((5, 7), dtype=bool))
    assert (full.area_share, full.components, full.holes) == (1.0, 1, 0)


@settings(deadline=None, max_examples=60)
@given(masks)
def test_agrees_with_the_euler_number_and_does_not_change_with_turning(mask: np.ndarray) -> None:
    shape = mask_shape(mask)
    assert shape.components == label(mask, connectivity=2).max()
    assert shape.components - shape.holes == euler_number(np.pad(mask, 1), connectivity=2)
    turned = mask_shape(np.rot90(mask))
    assert (turned.area_share, turned.components, turned.holes) == (shape.area_share, shape.components, shape.holes)
    for name in MEASURES:
        assert RANGES[name][0] <= getattr(shape, name) <= RANGES[name][1]


@settings(deadline=None, max_examples=20)
@given(masks, st.integers(0, 5))
def test_background_around_changes_nothing_but_the_share(mask: np.ndarray, width: int) -> None:
    alone, framed = mask_shape(mask), mask_shape(np.pad(mask, width))
    for name in ("components", "holes", "skeleton_length", "branch_points"):
        assert getattr(alone, name) == getattr(framed, name)


def test_many_at_once() -> None:
    many = mask_shapes(np.stack([RING, np.zeros_like(RING)]))
    assert tuple(many) == MEASURES
    assert many["holes"].tolist() == [1.0, 0.0]
    assert DIRECTION == "as real"


@pytest.mark.parametrize("shape", [(4,), (2, 3, 3), (0, 4)])
def test_refuses_what_is_no_mask(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="H, W"):
        mask_shape(np.zeros(shape, dtype=bool))
