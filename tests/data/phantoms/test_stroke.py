from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from segmint.data.phantoms.infarct import SHARE, label_infarct, lesion_slices
from segmint.data.phantoms.stroke import SLICES, draw_stroke_subject
from segmint.data.phantoms.writing import Drawn
from segmint.errors import UserError


@pytest.fixture(scope="module")
def heads() -> list[Drawn]:
    """Ten subjects of 96 pixels."""
    return [draw_stroke_subject(seed=0, subject=number, size=96) for number in range(1, 11)]


def test_shapes_types_and_ids(heads: list[Drawn]) -> None:
    for drawn in heads:
        assert drawn.image.shape == (1, 96, 96, SLICES)
        assert drawn.image.dtype == np.float32
        np.testing.assert_array_equal(drawn.image, np.round(drawn.image))
        assert drawn.image.min() >= 0
        for ids in (drawn.label, drawn.conditions["foreground"]):
            assert ids.shape == (96, 96, SLICES)
            assert ids.dtype == np.uint8
            assert set(np.unique(ids)) <= {0, 1}


def test_the_same_seed_and_subject_give_the_same_arrays(heads: list[Drawn]) -> None:
    again = draw_stroke_subject(seed=0, subject=2, size=96)
    np.testing.assert_array_equal(again.image, heads[1].image)
    np.testing.assert_array_equal(again.label, heads[1].label)


def test_subjects_and_seeds_differ(heads: list[Drawn]) -> None:
    drawn = [*heads, draw_stroke_subject(seed=1, subject=1, size=96)]
    for one in range(len(drawn)):
        for two in range(one):
            assert np.corrcoef(drawn[one].image.ravel(), drawn[two].image.ravel())[0, 1] < 0.97


def test_eighteen_percent_of_slices_hold_a_lesion(heads: list[Drawn]) -> None:
    holds = np.concatenate([drawn.label.any((0, 1)) for drawn in heads])
    assert abs(holds.mean() - SHARE) <= 0.01


@pytest.mark.parametrize("seed", range(5))
def test_the_share_holds_for_any_number_of_subjects_from_ten(seed: int) -> None:
    counts = np.array([lesion_slices(seed, subject, SLICES) for subject in range(1, 121)])
    shares = np.cumsum(counts) / (SLICES * np.arange(1, 121))
    assert np.abs(shares[9:] - SHARE).max() <= 0.0101
    assert counts.std() > 1
    assert counts.min() <= 1


def test_drawn_slices_are_the_counted_ones_and_lie_together(heads: list[Drawn]) -> None:
    for number, drawn in enumerate(heads, start=1):
        held = np.flatnonzero(drawn.label.any((0, 1)))
        assert len(held) == lesion_slices(0, number, SLICES)
        if len(held):
            assert held[-1] - held[0] == len(held) - 1


def test_lesions_lie_in_the_brain_on_one_side(heads: list[Drawn]) -> None:
    for drawn in heads:
        lesion, head = drawn.label > 0, drawn.conditions["foreground"] > 0
        if not lesion.any():
            continue
        deep = np.stack([ndimage.distance_transform_edt(head[..., i]) for i in range(SLICES)], axis=-1)
        assert deep[lesion].min() >= 2  # under scalp and skull, pixels of 2.5 mm
        columns = np.nonzero(lesion)[1]
        left, right = (columns < 44).mean(), (columns > 51).mean()
        assert min(left, right) < 0.1


def test_the_head_is_one_piece_in_the_picture(heads: list[Drawn]) -> None:
    for drawn in heads:
        head = drawn.conditions["foreground"] > 0
        edge = np.concatenate([head[[0, -1]].ravel(), head[:, [0, -1]].ravel()])
        assert not edge.any()
        for index in range(SLICES):
            assert ndimage.label(head[..., index])[1] == 1
            assert 0.12 < head[..., index].mean() < 0.6
        assert drawn.image[0][head].mean() > 5 * drawn.image[0][~head].mean()


def test_lesions_are_bright_but_no_threshold_finds_them(heads: list[Drawn]) -> None:
    best, contrast = [], []
    for drawn in heads:
        lesion, image = drawn.label > 0, drawn.image[0]
        if not lesion.any():
            continue
        head = drawn.conditions["foreground"] > 0
        near = ndimage.binary_dilation(lesion, iterations=4) & ~ndimage.binary_dilation(lesion)
        contrast.append(image[lesion].mean() / image[near & head].mean())
        # within the brain alone, which a threshold does not know of
        brain = np.stack([ndimage.binary_erosion(head[..., i], iterations=6) for i in range(SLICES)], axis=-1) | lesion
        levels = np.percentile(image[brain], np.arange(80, 100, 0.5))
        found = [(image > level) & brain for level in levels]
        best.append(max(2 * (one & lesion).sum() / (one.sum() + lesion.sum()) for one in found))
    assert np.median(contrast) > 1.1
    assert np.mean(best) < 0.6


def test_a_shown_slice_is_never_left_without_its_lesion() -> None:
    truth = np.zeros((4, 4, 3), dtype=np.float32)
    truth[1, 1, 0], truth[2, 2, 1] = 0.9, 0.2
    label = label_infarct(truth, np.array([True, True, False]))
    assert label.dtype == np.uint8
    assert label[1, 1, 0] == label[2, 2, 1] == 1
    assert label.sum() == 2


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(UserError, match="size 31"):
        draw_stroke_subject(seed=0, size=31)
    with pytest.raises(UserError, match="slices 4"):
        draw_stroke_subject(seed=0, slices=4)
