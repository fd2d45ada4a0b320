from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from segmint.data.phantoms.thorax import LABELS, SLICES, draw_thorax_subject
from segmint.data.phantoms.thorax_anatomy import tube
from segmint.data.phantoms.writing import Drawn
from segmint.errors import UserError

OESOPHAGUS, HEART, TRACHEA, AORTA = 1, 2, 3, 4


@pytest.fixture(scope="module")
def chests() -> list[Drawn]:
    """Six subjects of 96 pixels."""
    return [draw_thorax_subject(seed=1, subject=number, size=96) for number in range(1, 7)]


def test_shapes_types_and_ids(chests: list[Drawn]) -> None:
    for drawn in chests:
        assert drawn.image.shape == (1, 96, 96, SLICES)
        assert drawn.image.dtype == np.float32
        np.testing.assert_array_equal(drawn.image, np.round(drawn.image))
        assert drawn.label.dtype == np.uint8
        assert set(np.unique(drawn.label)) == set(range(len(LABELS)))
        assert not drawn.conditions


def test_the_same_seed_and_subject_give_the_same_arrays(chests: list[Drawn]) -> None:
    again = draw_thorax_subject(seed=1, subject=2, size=96)
    np.testing.assert_array_equal(again.image, chests[1].image)
    np.testing.assert_array_equal(again.label, chests[1].label)


def test_subjects_and_seeds_differ(chests: list[Drawn]) -> None:
    drawn = [*chests, draw_thorax_subject(seed=2, subject=1, size=96)]
    for one in range(len(drawn)):
        for two in range(one):
            first, second = drawn[one].label == HEART, drawn[two].label == HEART
            assert 2 * (first & second).sum() / (first.sum() + second.sum()) < 0.93


def test_intensities_are_hounsfield_units(chests: list[Drawn]) -> None:
    for drawn in chests:
        image, label = drawn.image[0], drawn.label
        assert -1024 <= image.min() < -950
        assert 200 < image.max() < 2000
        assert np.median(image[:8]) < -950
        assert np.median(image[label == TRACHEA]) < -400
        assert 20 < np.median(image[label == HEART]) < 350
        assert 20 < np.median(image[label == AORTA]) < 350
        assert -60 < np.median(image[label == OESOPHAGUS]) < 80
        filled = np.stack([ndimage.binary_fill_holes(image[..., i] > -300) for i in range(SLICES)], axis=-1)
        assert 0.05 < ((image < -600) & filled).mean() < 0.3  # lungs


def test_some_have_contrast_agent_and_some_have_none(chests: list[Drawn]) -> None:
    blood = [float(np.median(drawn.image[0][drawn.label == AORTA])) for drawn in chests]
    assert min(blood) < 70
    assert max(blood) > 120


def test_organs_lie_where_they_belong(chests: list[Drawn]) -> None:
    """Rows run to the back, columns to the left, slices upwards."""
    for drawn in chests:
        row, column, height = (
            dict(zip(LABELS[1:], values, strict=True))
            for values in np.transpose(ndimage.center_of_mass(drawn.label > 0, drawn.label, [1, 2, 3, 4]))
        )
        assert row["heart"] < row["trachea"] < row["oesophagus"]
        assert height["heart"] < height["trachea"]
        middle = 47.5
        assert column["heart"] > middle - 3
        assert abs(column["trachea"] - middle) < 8


def test_organs_are_in_one_piece_and_inside_the_body(chests: list[Drawn]) -> None:
    for drawn in chests:
        for organ in (HEART, TRACHEA, AORTA):
            parts, _ = ndimage.label(drawn.label == organ, np.ones((3, 3, 3)))
            sizes = np.bincount(parts.ravel())[1:]
            assert sizes.max() / sizes.sum() > 0.9
        body = ndimage.binary_opening(drawn.image[0] > -300, np.ones((5, 5, 1)))
        body = np.stack([ndimage.binary_fill_holes(body[..., i]) for i in range(SLICES)], axis=-1)
        assert body[drawn.label > 0].mean() > 0.999


def test_the_oesophagus_is_on_nearly_every_slice(chests: list[Drawn]) -> None:
    shown = [(drawn.label == OESOPHAGUS).any((0, 1)).mean() for drawn in chests]
    assert min(shown) > 0.8


def test_no_band_of_hounsfield_units_finds_an_organ(chests: list[Drawn]) -> None:
    for drawn in chests:
        image = drawn.image[0]
        for organ in range(1, 5):
            truth = drawn.label == organ
            for low in range(-1000, 300, 60):
                for width in (60, 150, 300):
                    found = (image >= low) & (image < low + width)
                    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) < 0.85


def test_a_tube_runs_through_its_points() -> None:
    path = ((0.0, 0.0, 0.0, 2.0), (10.0, 0.0, 0.0, 3.0), (10.0, 10.0, 0.0, 4.0))
    x, y, z = np.array([[0, 10, 10, -5], [0, 0, 10, 0], [0, 0, 0, 0]], dtype=np.float32)
    distance = tube((x, y, z), path)
    np.testing.assert_allclose(distance[[0, 2, 3]], [-2, -4, 3], atol=0.1)
    assert distance[1] <= -3


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(UserError, match="size 300"):
        draw_thorax_subject(seed=0, size=300)
    with pytest.raises(UserError, match="slices 0"):
        draw_thorax_subject(seed=0, slices=0)
