from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from sklearn.metrics import f1_score

from segmint.metrics.lesion import lesion_counts, lesion_f1

masks = hnp.arrays(np.bool_, (5, 4, 3))


def flooded(mask: np.ndarray) -> list[set[tuple[int, ...]]]:
    """Components over faces, edges and corners, voxel by voxel."""
    left, found = {tuple(place) for place in np.argwhere(mask).tolist()}, []
    while left:
        reached, edge = set(), {left.pop()}
        while edge:
            place = edge.pop()
            reached.add(place)
            around = {tuple(np.add(place, step).tolist()) for step in itertools.product((-1, 0, 1), repeat=mask.ndim)}
            edge |= around & left
            left -= around
        found.append(reached)
    return found


@settings(deadline=None, max_examples=15)
@given(masks, masks)
def test_counts_are_those_of_flood_fill(prediction: np.ndarray, truth: np.ndarray) -> None:
    expected = []
    for ours, other in ((truth, prediction), (prediction, truth)):
        lesions = flooded(ours)
        expected += [sum(any(other[place] for place in lesion) for lesion in lesions), len(lesions)]
    counts = lesion_counts(prediction, truth)
    assert counts.tolist() == expected
    swapped = lesion_f1(lesion_counts(truth, prediction))
    assert lesion_f1(counts) == pytest.approx(float(swapped), nan_ok=True)
    assert np.isnan(lesion_f1(lesion_counts(truth, truth))) == (not truth.any())


def test_f1_is_that_of_lesions_matched_one_to_one() -> None:
    truth, prediction = np.zeros((20, 8), dtype=bool), np.zeros((20, 8), dtype=bool)
    for number, (in_truth, in_prediction) in enumerate([(1, 1), (1, 1), (1, 0), (0, 1), (1, 1)]):
        truth[4 * number : 4 * number + 2, 1:3] = in_truth
        prediction[4 * number + 1 : 4 * number + 3, 2:4] = in_prediction
    counts = lesion_counts(prediction, truth)
    assert counts.tolist() == [3, 4, 3, 4]
    assert lesion_f1(counts) == pytest.approx(f1_score([1, 1, 1, 0, 1], [1, 1, 0, 1, 1]))


def test_overlap_rule() -> None:
    truth, prediction = np.zeros((3, 9), dtype=bool), np.zeros((3, 9), dtype=bool)
    truth[1, :4], prediction[1, 3:5] = True, True
    assert lesion_counts(prediction, truth).tolist() == [1, 1, 1, 1]
    assert lesion_counts(prediction, truth, least_share=0.3).tolist() == [0, 1, 1, 1]
    assert lesion_f1(lesion_counts(prediction, truth, least_share=0.3)) == 0
    # One blob over two lesions finds both.
    truth[1] = [1, 1, 0, 0, 0, 0, 0, 1, 1]
    assert lesion_counts(np.ones_like(truth), truth).tolist() == [2, 2, 1, 1]


def test_conventions_for_absent_labels_and_sums() -> None:
    nothing, something = np.zeros((5, 5), dtype=bool), np.eye(5, dtype=bool)
    assert lesion_f1(lesion_counts(nothing, something)) == 0
    assert lesion_f1(lesion_counts(something, nothing)) == 0
    assert np.isnan(lesion_f1(lesion_counts(nothing, nothing)))
    both = np.stack([lesion_counts(something, something), lesion_counts(something, nothing)])
    assert lesion_f1(both.sum(axis=0)) == pytest.approx(2 / 3)
