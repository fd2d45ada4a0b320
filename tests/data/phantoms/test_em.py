from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from segmint.data.phantoms.em import FIELD_OF_VIEW, Kind, draw_em
from segmint.data.phantoms.em_cells import Cells, cut_sections
from segmint.data.phantoms.grid import Grid, square_box
from segmint.data.phantoms.writing import Drawn
from segmint.errors import UserError

Specimens = dict[Kind, list[list[Drawn]]]


@pytest.fixture(scope="module")
def specimens() -> Specimens:
    """Three specimens in each appearance, four sections of 96 pixels."""
    kinds: tuple[Kind, ...] = ("em-a", "em-b")
    return {kind: [draw_em(kind, seed=2, subject=n, size=96, sections=4) for n in (1, 2, 3)] for kind in kinds}


def stack(sections: list[Drawn]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        np.stack([one.image[0] for one in sections]).astype(float),
        np.stack([one.label for one in sections]) > 0,
        np.stack([one.conditions["membranes"] for one in sections]) > 0,
    )


def overlap(one: np.ndarray, two: np.ndarray) -> float:
    return float(2 * (one & two).sum() / max(one.sum() + two.sum(), 1))


def test_shapes_types_and_ids(specimens: Specimens) -> None:
    for drawn in (one for kind in specimens.values() for sections in kind for one in sections):
        assert drawn.image.shape == (1, 96, 96)
        assert drawn.image.dtype == drawn.label.dtype == drawn.conditions["membranes"].dtype == np.uint8
        assert set(np.unique(drawn.label)) <= {0, 1}
        assert set(np.unique(drawn.conditions["membranes"])) == {0, 1}


def test_the_same_seed_and_subject_give_the_same_arrays(specimens: Specimens) -> None:
    again = draw_em("em-b", seed=2, subject=2, size=96, sections=4)
    for one, two in zip(again, specimens["em-b"][1], strict=True):
        np.testing.assert_array_equal(one.image, two.image)
        np.testing.assert_array_equal(one.label, two.label)
        np.testing.assert_array_equal(one.conditions["membranes"], two.conditions["membranes"])


def test_specimens_and_seeds_differ(specimens: Specimens) -> None:
    other = draw_em("em-a", seed=3, subject=1, size=96, sections=4)
    walls = [stack(sections)[2] for sections in [*specimens["em-a"], other]]
    for one in range(len(walls)):
        for two in range(one):
            assert overlap(walls[one], walls[two]) < 0.5


def test_sections_change_slowly(specimens: Specimens) -> None:
    for sections in (one for kind in specimens.values() for one in kind):
        _, _, walls = stack(sections)
        near = np.mean([overlap(walls[i], ndimage.binary_dilation(walls[i + 1])) for i in range(3)])
        assert near > 0.5
        assert not (walls[0] == walls[1]).all()


def test_shares_are_those_of_nerve_tissue(specimens: Specimens) -> None:
    for kind in specimens.values():
        labels = np.concatenate([stack(sections)[1] for sections in kind])
        walls = np.concatenate([stack(sections)[2] for sections in kind])
        assert 0.02 < labels.mean() < 0.16
        assert 0.1 < walls.mean() < 0.35


def test_mitochondria_lie_within_cells(specimens: Specimens) -> None:
    for sections in (one for kind in specimens.values() for one in kind):
        _, label, walls = stack(sections)
        assert not (label & walls).any()


def test_membranes_are_dark_and_part_cells(specimens: Specimens) -> None:
    for sections in (one for kind in specimens.values() for one in kind):
        image, label, walls = stack(sections)
        assert image[walls].mean() < 0.8 * image[~walls & ~label].mean()
        assert ndimage.label(~walls[0])[1] > 10


def test_the_two_appearances_are_apart(specimens: Specimens) -> None:
    a, b = (np.concatenate([stack(sections)[0] for sections in specimens[kind]]) for kind in ("em-a", "em-b"))
    assert a.mean() - b.mean() > 15
    assert a.std() > 1.15 * b.std()
    walls = [np.concatenate([stack(s)[2] for s in specimens[kind]]) for kind in ("em-a", "em-b")]
    widths = [one.sum() / max((one ^ ndimage.binary_erosion(one, np.ones((1, 3, 3)))).sum(), 1) for one in walls]
    assert widths[1] > widths[0]


def test_no_band_of_brightness_finds_mitochondria(specimens: Specimens) -> None:
    for sections in (one for kind in specimens.values() for one in kind):
        image, label, _ = stack(sections)
        smooth = ndimage.gaussian_filter(image, (0, 1.5, 1.5))
        bands = [(low, high) for low in range(0, 160, 10) for high in range(low + 10, 200, 10)]
        for picture in (image, smooth):
            assert max(overlap((picture >= low) & (picture < high), label) for low, high in bands) < 0.6


def test_every_point_of_a_section_has_a_cell_and_a_finite_depth() -> None:
    grid = Grid(size=48, slices=3, box=square_box(FIELD_OF_VIEW, 0.0, 135.0), fine_voxels=(1, 1, 1))
    rng = np.random.default_rng(0)
    cells = Cells.pack(rng, grid, scale=1.0)
    cut = cut_sections(rng, grid, cells)
    assert np.isfinite(cut.depth).all()
    assert cut.depth.min() >= 0
    assert 20 < len(np.unique(cut.cell)) <= len(cells.radius)
    # a point in the middle of a cell is about its radius from the wall
    wide = cut.depth.max()
    assert 100 < wide <= 500


def test_packed_cells_keep_their_distance() -> None:
    grid = Grid(size=48, slices=1, box=square_box(FIELD_OF_VIEW, 0.0, 45.0), fine_voxels=(1, 1, 1))
    cells = Cells.pack(np.random.default_rng(1), grid, scale=1.0)
    gaps = np.hypot(*(cells.centre[:, None] - cells.centre[None]).transpose(2, 0, 1))
    least = 0.8 * (cells.radius[:, None] + cells.radius[None])
    assert (gaps - least)[~np.eye(len(gaps), dtype=bool)].min() > -0.1


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(UserError, match=r"An em-a phantom .* size 40"):
        draw_em("em-a", seed=0, size=40)
    with pytest.raises(UserError, match="sections 0"):
        draw_em("em-a", seed=0, sections=0)
