"""Tiles cover all of a slice and overlap by half or more, whatever its shape."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from segmint.data.tiling import tile_corners


@settings(deadline=None, max_examples=60)
@given(data=st.data(), size=st.integers(1, 70))
def test_tiles_cover_the_slice(data: st.DataObject, size: int) -> None:
    tile = data.draw(st.integers(1, size))
    height, width = data.draw(st.integers(1, size)), data.draw(st.integers(1, size))
    top, left = (size - height) // 2, (size - width) // 2
    padding = ((top, size - height - top), (left, size - width - left))
    corners = tile_corners(size, padding, tile=tile)
    assert corners.min() >= 0
    assert corners.max() <= size - tile
    assert len(np.unique(corners, axis=0)) == len(corners)
    covered = np.zeros((size, size), dtype=bool)
    for row, column in corners:
        covered[row : row + tile, column : column + tile] = True
    assert covered[top : top + height, left : left + width].all()
    for axis, length in ((0, height), (1, width)):
        starts = np.unique(corners[:, axis])
        assert len(starts) * (len(corners) // len(starts)) == len(corners)
        if len(starts) > 1:
            steps = np.diff(starts)
            assert steps.max() <= max(1, tile // 2)
            assert steps.max() - steps.min() <= 1
            # No tile reaches into the padding of a slice that is larger than a tile.
            assert starts[0] == (top, left)[axis]
            assert starts[-1] + tile == (top, left)[axis] + length


def test_a_slice_narrower_than_a_tile_is_centred() -> None:
    assert tile_corners(8, ((3, 3), (0, 0)), tile=4).tolist() == [[2, 0], [2, 2], [2, 4]]
    assert tile_corners(8, ((0, 6), (6, 0)), tile=4).tolist() == [[0, 4]]
    assert tile_corners(8, ((0, 0), (0, 0)), tile=8).tolist() == [[0, 0]]
