from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import confusion_matrix, f1_score
from torchmetrics.functional.segmentation import dice_score

from segmint.metrics.dice import DIRECTION, NAME, RANGE, dice, mean_over_labels, overlap_counts

LABELS = 4
label_maps = hnp.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.integers(0, LABELS - 1))


def test_declares_what_it_is() -> None:
    assert (NAME, DIRECTION, RANGE) == ("dice", "higher", (0.0, 1.0))


def test_counts_agree_with_scikit_learn(rng: np.random.Generator) -> None:
    truth, prediction = rng.integers(0, LABELS, (2, 9, 11))
    matrix = confusion_matrix(truth.ravel(), prediction.ravel(), labels=range(LABELS))
    counts = overlap_counts(prediction, truth, label_count=LABELS)
    hits = np.diag(matrix)
    assert counts.tolist() == np.stack([hits, matrix.sum(0) - hits, matrix.sum(1) - hits], axis=1).tolist()


def test_dice_agrees_with_scikit_learn_and_torchmetrics(rng: np.random.Generator) -> None:
    truth, prediction = rng.integers(0, LABELS, (2, 3, 16, 16))
    ours = dice(overlap_counts(prediction, truth, label_count=LABELS))
    f1 = f1_score(truth.ravel(), prediction.ravel(), average=None, labels=range(LABELS))
    assert np.allclose(ours, f1)
    # torchmetrics scores each sample apart; stacked along one axis, the slices are one sample, as a subject is.
    whole = [torch.from_numpy(x.reshape(1, -1, 16)) for x in (prediction, truth)]
    theirs = dice_score(*whole, num_classes=LABELS, average="none", input_format="index")
    assert np.allclose(ours, theirs.numpy().ravel(), atol=1e-6)


def test_reads_cpu_tensors(rng: np.random.Generator) -> None:
    truth, prediction = rng.integers(0, LABELS, (2, 5, 5))
    from_tensors = overlap_counts(torch.from_numpy(prediction), torch.from_numpy(truth), label_count=LABELS)
    assert from_tensors.tolist() == overlap_counts(prediction, truth, label_count=LABELS).tolist()


def test_absent_label_has_no_dice_and_a_false_alarm_has_zero() -> None:
    truth = np.array([[1, 1, 0, 0]])
    prediction = np.array([[1, 0, 2, 0]])
    values = dice(overlap_counts(prediction, truth, label_count=LABELS))
    assert values[1] == pytest.approx(2 / 3)
    assert values[2] == 0.0
    assert np.isnan(values[3])
    assert mean_over_labels(values[1:]) == pytest.approx(1 / 3)
    assert np.isnan(mean_over_labels([np.nan, np.nan]))
    assert mean_over_labels(values[1:], absent=[False, True, True]) == pytest.approx(2 / 3)
    assert np.isnan(mean_over_labels([0.0, np.nan], absent=[True, True]))


@settings(deadline=None, max_examples=30)
@given(label_maps)
def test_slices_add_up_to_the_subject(truth: np.ndarray) -> None:
    prediction = np.roll(truth, 1, axis=0)
    apart = sum(overlap_counts(p, t, label_count=LABELS) for p, t in zip(prediction, truth, strict=True))
    assert np.array_equal(apart, overlap_counts(prediction, truth, label_count=LABELS))
    values = dice(apart)
    assert np.nanmin(values) >= RANGE[0]
    assert np.nanmax(values) <= RANGE[1]


@settings(deadline=None, max_examples=20)
@given(label_maps)
def test_perfect_prediction_is_one_wherever_the_label_is(truth: np.ndarray) -> None:
    values = dice(overlap_counts(truth, truth, label_count=LABELS))
    present = np.isin(np.arange(LABELS), truth)
    assert (values[present] == 1).all()
    assert np.isnan(values[~present]).all()


@pytest.mark.parametrize(
    ("prediction", "truth", "reason"),
    [
        (np.zeros((2, 2), int), np.zeros((2, 3), int), "shape"),
        (np.full((2, 2), 4), np.zeros((2, 2), int), "outside"),
        (np.zeros((2, 2), int), np.full((2, 2), -1), "outside"),
        (np.zeros((2, 2)), np.zeros((2, 2), int), "not integer"),
    ],
)
def test_refuses_what_is_no_pair_of_label_maps(prediction: np.ndarray, truth: np.ndarray, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        overlap_counts(prediction, truth, label_count=LABELS)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
