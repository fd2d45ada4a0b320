"""What is enough to measure in features, with a group of subjects left out too."""

from __future__ import annotations

import numpy as np
import pytest

from segmint.evaluation.fidelity_limits import enough


@pytest.mark.parametrize(
    ("counts", "groups", "parts", "expected"),
    [
        ([9] * 6, [0, 1, 2, 3, 4, 5], 1, True),
        ([9] * 5 + [4], [0, 1, 2, 3, 4, 5], 1, False),
        ([9] * 5 + [4], [0, 1, 2, 3, 4, 5], 2, True),
        ([10] * 5, [0, 1, 2, 3, 4], 1, False),
        ([9] * 6, [0, 0, 0, 1, 2, 3], 1, False),
        ([40, 20, 3, 3, 2, 2], [0, 1, 2, 3, 4, 5], 1, False),
    ],
    ids=["enough", "images", "of two parts", "subjects", "a group of three", "images of a few"],
)
def test_images_subjects_and_neighbours_have_to_be_enough(
    counts: list[int], groups: list[int], parts: int, expected: bool
) -> None:
    assert enough(np.repeat(np.arange(len(counts)) * 3, counts), np.repeat(groups, counts), parts=parts) is expected


def test_nothing_is_not_enough() -> None:
    assert not enough(np.empty(0, np.int64), np.empty(0, np.int64), parts=1)
