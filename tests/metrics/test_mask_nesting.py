from __future__ import annotations

import numpy as np
import pytest

from segmint.metrics.mask_nesting import labels_together, nested_labels


def blank() -> np.ndarray:
    return np.zeros((12, 12), dtype=np.uint8)


def test_a_label_inside_another_is_found() -> None:
    mask = blank()
    mask[2:9, 2:9] = 1
    mask[4:6, 4:6] = 2
    assert nested_labels(mask) == {(2, 1)}
    mask[5, 5] = 3
    assert nested_labels(mask) == set(), "2 and 3 touch each other and 1"
    mask[4:8, 4:8] = 2
    mask[5, 5] = 3
    assert nested_labels(mask) == {(2, 1), (3, 2)}


def test_beside_at_the_edge_or_in_the_background_is_not_inside() -> None:
    mask = blank()
    mask[2:9, 2:6], mask[2:9, 6:9] = 1, 2
    assert nested_labels(mask) == set()
    edge = blank()
    edge[:5, :5], edge[:2, 1:3] = 1, 2
    assert nested_labels(edge) == set()
    alone = blank()
    alone[4:6, 4:6] = 2
    assert nested_labels(alone) == set()
    with pytest.raises(ValueError, match=r"\[H, W\]"):
        nested_labels(np.zeros(4))


def test_one_piece_inside_is_enough() -> None:
    mask = blank()
    mask[1:6, 1:6], mask[3, 3], mask[8, 8] = 1, 2, 2
    assert nested_labels(mask) == {(2, 1)}


def test_together() -> None:
    maps = np.stack([blank(), blank(), blank()])
    maps[0, 0, 0], maps[1, 0, 0], maps[1, 1, 1] = 1, 1, 2
    found = labels_together(maps, label_count=3)
    assert found[:, 1, 2].tolist() == [False, True, False]
    assert found[:, 1, 1].tolist() == [True, True, False]
    assert np.array_equal(found, found.transpose(0, 2, 1))
