"""Deformed masks: no new ids, conditions move along, objects stay where they belong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from segmint.synthesis.deformation import (
    Deformation,
    ObjectMove,
    Strength,
    deform,
    deform_finely,
    draw_deformation,
    move_object,
)

NOTHING = Strength(rotation=0, scale=0, shear=0, shift=0, bend=0)
STILL = np.zeros((2, 32, 32), dtype=np.float32)
NONE = np.empty((0, 40, 40), dtype=np.uint8)


def organ(size: int = 40) -> np.ndarray:
    """A disc (1) with a lesion (2) that has a core (3)."""
    rows, columns = np.mgrid[:size, :size]
    ids = (np.hypot(rows - size / 2, columns - size / 2) < 0.4 * size).astype(np.uint8)
    distance = np.hypot(rows - 0.4 * size, columns - 0.4 * size)
    ids[distance < 0.15 * size] = 2
    ids[distance < 0.06 * size] = 3
    return ids


def matrix(degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def test_what_comes_in_over_a_border_of_background_is_background() -> None:
    down = Deformation(matrix(0), np.array([0.25, 0.0]), STILL)
    ids = organ()
    moved, foreground = deform(ids, down, conditions=(ids > 0).astype(np.uint8)[None])
    assert not moved[:10].any(), "a mirror image of the disc would come in here"
    assert not foreground[0, :10].any()


def test_no_strength_changes_nothing() -> None:
    drawn = draw_deformation(np.random.default_rng(0), shape=(40, 40), strength=NOTHING, labels=(2,))
    assert drawn.moves == ()
    ids, conditions = deform(organ(), drawn, conditions=organ()[None])
    assert np.array_equal(ids, organ())
    assert np.array_equal(conditions[0], organ())


def test_quarter_turns_and_shifts_agree_with_numpy() -> None:
    ids = np.random.default_rng(0).integers(0, 5, (12, 12)).astype(np.uint8)
    turned, _ = deform(ids, Deformation(matrix(90), np.zeros(2), STILL))
    assert any(np.array_equal(turned, np.rot90(ids, k)) for k in (1, 3))
    moved, _ = deform(ids, Deformation(matrix(0), np.array([3 / 12, 0.0]), STILL))
    assert np.array_equal(moved[3:], ids[:-3])
    assert np.array_equal(moved[:3], ids[:3][::-1]), "what comes in over the border mirrors what is there"


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([(40, 40), (30, 44), (44, 30)]))
def test_ids_never_mix_and_conditions_move_along(seed: int, shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(seed)
    ids = (organ(44)[: shape[0], : shape[1]] * 2).astype(np.uint8)
    drawn = draw_deformation(generator, shape=shape, strength=Strength(rotation=40, scale=0.3, bend=0.05))
    deformed, conditions = deform(ids, drawn, conditions=np.stack([ids, 6 - ids]))
    assert set(np.unique(deformed)) <= set(np.unique(ids))
    assert np.array_equal(conditions, np.stack([deformed, 6 - deformed]))


def test_the_same_generator_draws_the_same_deformation() -> None:
    strength = Strength(object_rotation=20, object_scale=0.2, object_shift=0.1)
    first, second, other = (
        draw_deformation(np.random.default_rng(seed), shape=(40, 40), strength=strength, labels=(2, 3))
        for seed in (1, 1, 2)
    )
    assert np.array_equal(deform(organ(), first)[0], deform(organ(), second)[0])
    assert not np.array_equal(deform(organ(), first)[0], deform(organ(), other)[0])


def test_one_drawing_fits_every_resolution() -> None:
    drawn = draw_deformation(np.random.default_rng(3), shape=(1, 1), strength=Strength(bend=0.03))
    fine = deform(organ(160), drawn)[0][2::4, 2::4]
    coarse = deform(organ(40), drawn)[0]
    assert (fine == coarse).mean() > 0.93
    assert (organ(40) == coarse).mean() < 0.9


@pytest.mark.parametrize("shape", [(1, 1), (3, 1)])
def test_the_bend_has_its_strength_and_folds_nothing_over(shape: tuple[int, int]) -> None:
    strengths = (Strength(bend=0.015), Strength(bend=0.5, bend_scale=0.05))
    for strength in strengths:
        field = draw_deformation(np.random.default_rng(0), shape=shape, strength=strength).displacement
        cells = [side / max(shape) / 32 for side in shape]
        slopes = [np.gradient(part, *cells) for part in field]
        determinant = (1 + slopes[0][0]) * (1 + slopes[1][1]) - slopes[0][1] * slopes[1][0]
        assert determinant.min() > 0
    gentle = draw_deformation(np.random.default_rng(0), shape=(1, 1), strength=strengths[0]).displacement
    assert np.sqrt(np.mean(np.square(gentle))) == pytest.approx(0.015, rel=1e-4)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_a_moved_object_stays_inside_what_contains_it(seed: int) -> None:
    strength = Strength(0, 0, 0, 0, 0, object_rotation=180, object_scale=0.3, object_shift=0.4)
    drawn = draw_deformation(np.random.default_rng(seed), shape=(40, 40), strength=strength, labels=(2,))
    moved = move_object(organ(), drawn.moves[0], conditions=NONE)
    assert np.array_equal(moved > 0, organ() > 0), "the organ keeps its outline"
    assert (moved == 2).any()
    assert (moved == 3).any(), "what the object encloses goes with it"


def test_an_object_goes_where_it_is_sent_and_leaves_its_container_whole() -> None:
    move = ObjectMove(label=2, which=0.0, rotation=0.0, scale=1.0, shift=(0.1, 0.2))
    moved = move_object(organ(), move, conditions=NONE)
    before, after = (np.argwhere(one == 2).mean(axis=0) for one in (organ(), moved))
    assert np.allclose(after - before, (4, 8))
    assert (moved == 2).sum() == (organ() == 2).sum()
    larger = move_object(organ(), ObjectMove(2, 0.0, 0.0, 1.2, (0.05, 0.05)), conditions=NONE)
    assert (larger >= 2).sum() == pytest.approx(1.44 * (organ() >= 2).sum(), rel=0.1)


def test_an_object_does_not_leave_its_condition() -> None:
    foreground = np.zeros((1, 40, 40), dtype=np.uint8)
    foreground[:, :, :26] = 1
    move = ObjectMove(label=2, which=0.0, rotation=0.0, scale=1.0, shift=(0.0, 0.25))
    assert np.argwhere(move_object(organ(), move, conditions=NONE) >= 2)[:, 1].max() > 25
    held = move_object(organ(), move, conditions=foreground)
    assert np.argwhere(held >= 2)[:, 1].max() <= 25
    assert not np.array_equal(held, organ()), "it goes a part of the way"


def test_absent_labels_and_objects_without_room_stay() -> None:
    ids = np.full((40, 40), 1, dtype=np.uint8)
    move = ObjectMove(label=2, which=0.5, rotation=0.0, scale=1.0, shift=(0.3, 0.0))
    assert np.array_equal(move_object(ids, move, conditions=NONE), ids)
    assert np.array_equal(move_object(ids * 2, move, conditions=NONE), ids * 2)
    tight = np.where(organ() == 3, 3, np.where(organ() == 2, 2, 0)).astype(np.uint8)
    tight[organ() == 1] = 0
    core = move_object(tight, ObjectMove(3, 0.0, 0.0, 1.0, (0.5, 0.5)), conditions=NONE)
    assert np.array_equal(core > 0, tight > 0)


def test_one_of_several_objects_is_chosen() -> None:
    ids = np.zeros((40, 40), dtype=np.uint8)
    ids[4:8, 4:8] = ids[30:34, 30:34] = 1
    for which, corner in ((0.1, (4, 4)), (0.9, (30, 30))):
        moved = move_object(ids, ObjectMove(1, which, 0.0, 1.0, (0.1, 0.0)), conditions=NONE)
        assert moved[corner] == 0
        assert (moved == 1).sum() == 32


def test_maps_must_lie_on_one_grid() -> None:
    drawn = draw_deformation(np.random.default_rng(0), shape=(40, 40), strength=NOTHING)
    with pytest.raises(ValueError, match="grid"):
        deform(organ(), drawn, conditions=np.zeros((1, 20, 20), dtype=np.uint8))


def test_lines_a_pixel_wide_keep_together_and_keep_their_area() -> None:
    tree = np.zeros((64, 64), dtype=np.uint8)
    tree[8:56, 32] = tree[20, 10:32] = tree[40, 32:56] = 1
    places = np.arange(20)
    tree[20 + places, 31 - places] = 1
    coarse, fine = [], []
    for seed in range(20):
        drawn = draw_deformation(np.random.default_rng(seed), shape=tree.shape, strength=Strength())
        for found, one in (
            (coarse, deform(tree, drawn)[0]),
            (fine, deform_finely(tree, drawn, conditions=tree[None])[0]),
        ):
            found.append((ndimage.label(one, np.ones((3, 3)))[1], one.sum()))
    pieces_coarse, pieces_fine = (np.array(found)[:, 0] for found in (coarse, fine))
    assert pieces_fine.mean() < 1.5
    assert pieces_fine.mean() < pieces_coarse.mean()
    areas_coarse, areas_fine = (np.array(found)[:, 1] for found in (coarse, fine))
    assert np.abs(areas_fine / areas_coarse - 1).max() < 0.15


def test_deforming_finely_moves_conditions_along_and_changes_nothing_without_strength() -> None:
    still = draw_deformation(np.random.default_rng(0), shape=(40, 40), strength=NOTHING)
    ids, conditions = deform_finely(organ(), still, conditions=np.stack([organ(), organ() > 0]).astype(np.uint8))
    assert np.array_equal(ids, organ())
    assert np.array_equal(conditions[1], organ() > 0)
    drawn = draw_deformation(np.random.default_rng(3), shape=(40, 40), strength=Strength())
    ids, conditions = deform_finely(organ(), drawn, conditions=organ()[None])
    assert np.array_equal(conditions[0], ids)
    assert set(np.unique(ids)) <= {0, 1, 2, 3}
    bare, none = deform_finely(organ(), drawn, conditions=NONE)
    assert np.array_equal(bare, ids)
    assert none.shape == NONE.shape


def test_nested_labels_keep_no_holes_between_them_and_lesions_stay_in_the_foreground() -> None:
    ids, holes = organ(64), 0
    for seed in range(20):
        strength = Strength(object_rotation=30, object_scale=0.2, object_shift=0.1)
        drawn = draw_deformation(np.random.default_rng(seed), shape=ids.shape, strength=strength, labels=(2,))
        moved, foreground = deform_finely(ids, drawn, conditions=(ids > 0).astype(np.uint8)[None])
        holes += int((ndimage.binary_fill_holes(moved > 0) & (moved == 0)).sum())
        assert foreground[0][moved >= 2].all()
    assert holes <= 1
