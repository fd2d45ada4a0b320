"""Label maps with their subjects."""

from __future__ import annotations

import numpy as np
import pytest

from segmint.evaluation.mask_set import MaskSet


@pytest.fixture
def masks() -> MaskSet:
    labels = np.zeros((4, 3, 3), dtype=np.uint8)
    labels[1:, 0, 0] = (1, 2, 1)
    return MaskSet(labels, ["b", "b", "a", "c"], ["w", "x", "y", "z"])


def test_subjects_are_numbered_and_empty_masks_left_out(masks: MaskSet) -> None:
    assert masks.units.tolist() == [1, 1, 0, 2]
    assert masks.subject_count == 3
    filled = masks.filled()
    assert ([filled.name(i) for i in range(3)], filled.subjects) == (["x", "y", "z"], ["b", "a", "c"])
    assert MaskSet(masks.labels, masks.subjects).at(np.array([2])).name(0) == "2"


def test_a_random_choice_keeps_the_order_and_is_the_same_again(masks: MaskSet) -> None:
    assert masks.chosen(4, seed=0) is masks
    first, second = masks.chosen(2, seed=0), masks.chosen(2, seed=0)
    assert first.names == second.names == sorted(first.names)
    assert len(first) == 2


def test_lengths_must_agree(masks: MaskSet) -> None:
    with pytest.raises(ValueError, match="3 subjects"):
        MaskSet(masks.labels, ["a", "b", "c"])
    with pytest.raises(ValueError, match="1 names"):
        MaskSet(masks.labels, masks.subjects, ["a"])
