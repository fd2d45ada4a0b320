from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.conftest import draw_discs

from segmint.data.conditioned_pool import ConditionedPool
from segmint.data.dataset import open_dataset
from segmint.data.foreground import foreground, foreground_of_pool
from segmint.data.pool import PairPool, PoolPart
from segmint.data.slices import open_slices


@pytest.fixture
def pool(tmp_path: Path) -> PairPool:
    dataset = open_dataset(draw_discs(tmp_path / "discs", halo=True))
    slices = open_slices(dataset, size=32)
    return PairPool([PoolPart(slices, slices.indices(dataset.subjects))])


def test_own_and_added_maps_in_order(pool: PairPool) -> None:
    added = np.arange(len(pool), dtype=np.uint8)[:, None, None].repeat(32, 1).repeat(32, 2)
    conditioned = ConditionedPool(pool, ["halo"]).with_condition("number", 200, added)
    assert conditioned.conditions == {"halo": 2, "number": 200}
    positions = np.array([3, 0, 3])
    maps = conditioned.read_conditions(positions)
    assert np.array_equal(maps[:, 0], pool.read_conditions(positions)[:, 0])
    assert maps[:, 1, 5, 5].tolist() == [3, 0, 3]
    assert conditioned.read_masks(positions).shape == (3, 3, 32, 32)
    turned = conditioned.ordered(["number", "halo"])
    assert turned.condition_counts == (200, 2)
    assert np.array_equal(turned.read_conditions(positions), maps[:, ::-1])
    with pytest.raises(ValueError, match="the maps are"):
        conditioned.ordered(["halo"])


def test_without_maps(pool: PairPool) -> None:
    conditioned = ConditionedPool(pool)
    assert conditioned.condition_counts == ()
    assert conditioned.read_conditions(np.array([1])).shape == (1, 0, 32, 32)


def test_an_unknown_map_is_refused(pool: PairPool) -> None:
    with pytest.raises(KeyError):
        ConditionedPool(pool, ["membranes"])


def test_foreground_is_the_object_without_holes_and_specks() -> None:
    rows, columns = np.mgrid[:64, :64]
    distance = np.hypot(rows - 30, columns - 34)
    truth = distance < 20
    random = np.random.default_rng(0)
    image = np.where(truth & (distance > 6), 0.4, -0.95) + random.normal(0, 0.02, (64, 64))
    image[2, 2] = 1.0
    found = foreground(image[None].astype(np.float32))
    assert (found == truth).mean() > 0.98
    assert found[2, 2] == 0
    assert found[30, 34] == 1


def test_nothing_has_no_foreground() -> None:
    assert not foreground(np.full((1, 32, 32), -1, dtype=np.float32)).any()


def test_the_foreground_of_tiles_is_cut_out_of_that_of_slices(pool: PairPool) -> None:
    """As at sampling, which computes it of whole slices."""
    (part,) = pool.parts
    for flip in ("none", "h", "v", "hv"):
        whole = PairPool([part, PoolPart(part.slices, part.indices[:2], flip)])
        tiles = PairPool(whole.parts, tile=12)
        windows = tiles.windows()
        assert len(windows) == len(tiles)
        for there, here in ((whole, tiles), (whole.with_labels_hidden(), tiles.with_labels_hidden())):
            expected, found = foreground_of_pool(there), foreground_of_pool(here)
            assert len(found) == len(windows)
            for one, (place, top, left) in zip(found, windows, strict=True):
                assert np.array_equal(one, expected[place, top : top + 12, left : left + 12])
        images, labels = whole.read(windows[:, 0])
        seen, ids = tiles.read(np.arange(len(tiles)))
        for number, (_, top, left) in enumerate(windows):
            assert np.array_equal(seen[number], images[number, :, top : top + 12, left : left + 12])
            assert np.array_equal(ids[number], labels[number, top : top + 12, left : left + 12])
        # Within an object, a tile alone shows nothing to tell it from.
        assert not np.array_equal(foreground_of_pool(tiles.with_labels_hidden()), [foreground(one) for one in seen])


def test_labels_lie_in_the_foreground(pool: PairPool) -> None:
    found = foreground_of_pool(pool)
    _, labels = pool.read(np.arange(len(pool)))
    assert found[labels > 0].all()
    assert 0.05 < found.mean() < 0.9
