from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from monai.metrics import compute_confusion_matrix_metric, compute_iou, get_confusion_matrix
from sklearn.metrics import jaccard_score, precision_score, recall_score

from segmint.metrics.dice import dice, overlap_counts
from segmint.metrics.overlap import DIRECTION, NAMES, RANGE, iou, precision, sensitivity, specificity

LABELS = 4
MEASURES = {"iou": iou, "precision": precision, "sensitivity": sensitivity, "specificity": specificity}
label_maps = hnp.arrays(np.uint8, (5, 6), elements=st.integers(0, LABELS - 1))


def counts_of(prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return overlap_counts(prediction, truth, label_count=LABELS)


def test_declares_what_it_is() -> None:
    assert set(MEASURES) == set(NAMES)
    assert (DIRECTION, RANGE) == ("higher", (0.0, 1.0))


def test_agree_with_scikit_learn() -> None:
    truth, prediction = np.random.default_rng(0).integers(0, LABELS, (2, 9, 11))
    counts, flat = counts_of(prediction, truth), (truth.ravel(), prediction.ravel())
    assert np.allclose(iou(counts), jaccard_score(*flat, average=None))
    assert np.allclose(precision(counts), precision_score(*flat, average=None))
    assert np.allclose(sensitivity(counts), recall_score(*flat, average=None))
    others = [recall_score(flat[0] != label, flat[1] != label) for label in range(LABELS)]
    assert np.allclose(specificity(counts), others)


@pytest.mark.parametrize("absent_in", ["nothing", "truth", "prediction", "both"])
def test_agree_with_monai_on_absent_labels_too(absent_in: str) -> None:
    truth, prediction = np.random.default_rng(1).integers(0, LABELS, (2, 4, 5, 6))
    for name, labels in (("truth", truth), ("prediction", prediction)):
        if absent_in in (name, "both"):
            labels[labels == LABELS - 1] = 0
    hot = [torch.from_numpy(np.moveaxis(np.eye(LABELS)[x], -1, 0)[None]) for x in (prediction, truth)]
    counts, matrix = counts_of(prediction, truth), get_confusion_matrix(*hot, include_background=True)
    for name in ("precision", "sensitivity", "specificity"):
        theirs = compute_confusion_matrix_metric(name, matrix)[0].numpy()
        assert np.allclose(MEASURES[name](counts), theirs, equal_nan=True), name
    # Where the truth is empty MONAI has no IoU; ours is 0 on a false alarm, like Dice.
    theirs = compute_iou(*hot, ignore_empty=True)[0].numpy()
    present = ~np.isnan(theirs)
    assert np.allclose(iou(counts)[present], theirs[present])
    assert np.isnan(iou(counts)[-1]) == (absent_in == "both")


def test_conventions_for_absent_labels() -> None:
    truth, prediction = np.array([[1, 1, 0, 0]]), np.array([[0, 0, 2, 0]])
    counts = counts_of(prediction, truth)
    expected = {"iou": [0, 0, np.nan], "precision": [np.nan, 0, np.nan], "sensitivity": [0, np.nan, np.nan]}
    for name, values in expected.items():
        assert np.array_equal(MEASURES[name](counts)[1:], values, equal_nan=True), name
    assert specificity(counts)[1:].tolist() == [1, 0.75, 1]
    filled = np.ones((2, 2), dtype=int)
    assert np.isnan(specificity(counts_of(filled, filled))[1])


@settings(deadline=None, max_examples=20)
@given(label_maps, label_maps)
def test_swapping_truth_and_prediction_swaps_precision_and_sensitivity(first: np.ndarray, second: np.ndarray) -> None:
    counts, swapped = counts_of(first, second), counts_of(second, first)
    assert np.array_equal(precision(counts), sensitivity(swapped), equal_nan=True)
    assert np.array_equal(iou(counts), iou(swapped), equal_nan=True)
    assert np.allclose(dice(counts), 2 * iou(counts) / (1 + iou(counts)), equal_nan=True)
    for measure in MEASURES.values():
        values = measure(counts)
        assert ((values >= 0) & (values <= 1) | np.isnan(values)).all()
