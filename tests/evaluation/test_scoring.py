from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from segmint.data.dataset import open_dataset
from segmint.data.slices import SliceSet, open_slices
from segmint.evaluation.regime import Regime
from segmint.evaluation.scoring import score_subjects
from segmint.metrics.dice import dice


class Oracle:
    """Knows the label map of every slice on the training grid; answers in the order the slices are asked for."""

    def __init__(self, slices: SliceSet, indices: NDArray[np.int64], labels: int) -> None:
        self.labels, self.asked, self.slices, self.indices = labels, 0, slices, indices

    def predict(self, images: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        rows = self.indices[self.asked : self.asked + len(images)]
        self.asked += len(images)
        assert np.array_equal(images, self.slices.images[rows])
        labels = np.asarray(self.slices.labels[rows])
        return labels, np.moveaxis(np.eye(self.labels, dtype=np.float32)[labels], -1, 1)


def test_perfect_on_the_same_grid_is_one(regime: Regime, slices: SliceSet, study: Any) -> None:
    scores = score_subjects(Oracle(slices, regime.test, 3), slices, regime.test)
    assert tuple(sorted(scores)) == study.test
    assert all((dice(one.counts) == 1).all() for one in scores.values())


def test_slices_of_a_subject_are_put_back_together(regime: Regime, slices: SliceSet, study: Any) -> None:
    segmenter = study.threshold(shift=0.1)
    scores = score_subjects(segmenter, slices, regime.test)
    dataset = regime.dataset
    for case in dataset.cases_of(study.test[:4]):
        truth, image = dataset.read_label(case), dataset.read_image(case)[0]
        prediction = np.digitize(np.clip(image, 0, 100) / 50 - 1, [-0.2, 0.4])
        expected = f1_score(truth.ravel(), prediction.ravel(), average=None, labels=range(3))
        assert dice(scores[case.subject].counts) == pytest.approx(expected, abs=1e-6)


def test_scaling_down_for_the_network_is_part_of_the_score(tmp_path: Path, study: Any) -> None:
    folder = study.write_real(tmp_path / "large", shape=(30, 26))
    slices = open_slices(open_dataset(folder), size=16)
    assert slices.scale < 1
    indices = slices.indices(study.test[:3])
    scores = score_subjects(Oracle(slices, indices, 3), slices, indices)
    for score in scores.values():
        one = score.counts
        hits, _, misses = one.sum(axis=0)
        assert hits + misses == 30 * 26 * study.depth
        assert (dice(one)[1:] > 0.6).all()
        assert (dice(one)[1:] < 1).all()
