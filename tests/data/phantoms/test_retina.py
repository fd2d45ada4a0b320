from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage.morphology import skeletonize

from segmint.data.phantoms.retina import draw_retina
from segmint.data.phantoms.retina_vessels import Fundus, grow_vessels, stamp_vessels
from segmint.data.phantoms.writing import Drawn
from segmint.errors import UserError


@pytest.fixture(scope="module")
def eyes() -> list[list[Drawn]]:
    """The eyes of eight subjects."""
    return [draw_retina(seed=3, subject=number, size=96) for number in range(1, 9)]


def test_shapes_types_and_ids(eyes: list[list[Drawn]]) -> None:
    for drawn in (eye for pair in eyes for eye in pair):
        assert drawn.image.shape == (3, 96, 96)
        assert drawn.image.dtype == drawn.label.dtype == np.uint8
        assert list(drawn.conditions) == ["foreground"]
        for ids in (drawn.label, drawn.conditions["foreground"]):
            assert ids.shape == (96, 96)
            assert set(np.unique(ids)) == {0, 1}


def test_subjects_have_one_eye_or_two(eyes: list[list[Drawn]]) -> None:
    assert {len(pair) for pair in eyes} == {1, 2}


def test_the_same_seed_and_subject_give_the_same_arrays(eyes: list[list[Drawn]]) -> None:
    for one, two in zip(draw_retina(seed=3, subject=2, size=96), eyes[1], strict=True):
        np.testing.assert_array_equal(one.image, two.image)
        np.testing.assert_array_equal(one.label, two.label)


def test_no_two_eyes_share_their_vessels(eyes: list[list[Drawn]]) -> None:
    masks = [eye.label > 0 for pair in eyes for eye in pair]
    masks.append(draw_retina(seed=4, subject=1, size=96)[0].label > 0)
    for one in range(len(masks)):
        for two in range(one):
            dice = 2 * (masks[one] & masks[two]).sum() / (masks[one].sum() + masks[two].sum())
            assert dice < 0.6


def test_another_size_shows_the_same_vessels() -> None:
    small, large = (draw_retina(seed=1, subject=1, size=size)[0].label > 0 for size in (96, 192))
    shrunk = large.reshape(96, 2, 96, 2).mean((1, 3)) >= 0.5
    assert 2 * (small & shrunk).sum() / (small.sum() + shrunk.sum()) > 0.75


def test_vessels_lie_in_the_lit_disc_and_fill_a_tenth_of_it(eyes: list[list[Drawn]]) -> None:
    for drawn in (eye for pair in eyes for eye in pair):
        foreground = drawn.conditions["foreground"] > 0
        assert not drawn.label[~foreground].any()
        assert 0.55 < foreground.mean() < 0.8
        assert 0.06 < drawn.label[foreground].mean() < 0.25
        assert drawn.image[:, ~ndimage.binary_dilation(foreground, iterations=3)].max() < 25


def test_vessels_hang_together_and_branch(eyes: list[list[Drawn]]) -> None:
    for drawn in (eye for pair in eyes for eye in pair):
        parts, _ = ndimage.label(drawn.label, np.ones((3, 3)))
        sizes = np.bincount(parts.ravel())[1:]
        assert sizes.max() / sizes.sum() > 0.6
        skeleton = skeletonize(drawn.label > 0)
        neighbours = ndimage.convolve(skeleton.astype(int), np.ones((3, 3), int), mode="constant") - 1
        assert (skeleton & (neighbours >= 3)).sum() > 15


def test_vessels_are_darker_than_what_is_beside_them(eyes: list[list[Drawn]]) -> None:
    for drawn in (eye for pair in eyes for eye in pair):
        vessel = drawn.label > 0
        beside = (drawn.conditions["foreground"] > 0) & ~ndimage.binary_dilation(vessel)
        near = ndimage.gaussian_filter(drawn.image[1] * beside * 1.0, 4) / np.maximum(
            ndimage.gaussian_filter(beside * 1.0, 4), 0.01
        )
        assert np.median(drawn.image[1][vessel] / near[vessel]) < 0.92


def test_no_threshold_finds_the_vessels(eyes: list[list[Drawn]]) -> None:
    """Not even one on the green channel freed from uneven light."""
    best = []
    for drawn in (eye for pair in eyes for eye in pair):
        lit, truth = drawn.conditions["foreground"] > 0, drawn.label > 0
        green = drawn.image[1].astype(float)
        level = ndimage.gaussian_filter(green * lit, 5) / np.maximum(ndimage.gaussian_filter(lit * 1.0, 5), 0.01)
        found = [((green - level) < threshold) & lit for threshold in np.arange(-40, 1, 1.0)]
        best.append(max(2 * (one & truth).sum() / (one.sum() + truth.sum()) for one in found))
    assert np.mean(best) < 0.75


def test_arteries_and_veins_leave_the_disc_and_taper() -> None:
    fundus = Fundus.draw(np.random.default_rng(5), right_eye=True)
    vessels = grow_vessels(np.random.default_rng(6), fundus)
    assert fundus.temporal == -1
    away = np.hypot(vessels.x - fundus.disc[0], vessels.y - fundus.disc[1])
    for kind in (vessels.vein, ~vessels.vein):
        assert kind.any()
        assert away[kind].min() < fundus.disc_radius
        near, far = kind & (away < 0.3), kind & (away > 0.7)
        assert vessels.radius[near].max() > vessels.radius[far].max()
    assert np.hypot(vessels.x - fundus.macula[0], vessels.y - fundus.macula[1]).min() > 0.05


def test_a_stamped_line_has_its_width() -> None:
    fundus = Fundus.draw(np.random.default_rng(0), right_eye=False)
    vessels = grow_vessels(np.random.default_rng(0), fundus)
    axis = np.linspace(-1, 1, 400, dtype=np.float32)
    thick = vessels.radius > 0.02
    cover, depth = stamp_vessels(vessels, x=axis, y=axis[::-1].copy(), chosen=thick)
    assert 0 <= cover.min() < cover.max() <= 1
    assert depth.max() == pytest.approx(2 * vessels.radius.max(), rel=0.05)
    assert not cover[depth > 0].min() < 0


def test_wrong_sizes_are_named() -> None:
    with pytest.raises(UserError, match="size 47"):
        draw_retina(seed=0, size=47)
