from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.data.dataset import open_dataset
from segmint.data.slices import SliceSet, open_slices
from segmint.data.writer import DatasetWriter
from segmint.evaluation.regime import Regime
from segmint.evaluation.scoring import score_subjects
from segmint.evaluation.subject_grids import plan_grids
from segmint.evaluation.subject_metrics import SubjectTally


def pictures(
    folder: Path,
    *,
    spacing: tuple[float, ...] | None,
    numbers: tuple[int, ...] = (2, 4, 6),
    of_q: tuple[int, ...] | None = None,
) -> SliceSet:
    """Two subjects, one stack of PNG slices each."""
    folder.mkdir()
    writer = DatasetWriter(
        folder, name="stacks", channel_names=("MR",), label_names=("background", "tumour"), file_ending=".png"
    )
    label = np.zeros((16, 16), dtype=np.uint8)
    label[4:9, 5:9] = 1
    for subject in ("p", "q"):
        for number in (of_q or numbers) if subject == "q" else numbers:
            writer.add(
                f"{subject}_{number:02d}", 200.0 * label[None], label, subject=subject, volume=f"{subject}_stack",
                slice=number, axis=2, spacing=spacing,
            )  # fmt: skip
    writer.finish()
    return open_slices(open_dataset(folder), size=16)


class Perfect:
    """Finds what is bright."""

    def predict(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        labels = (images[:, 0] > 0).astype(np.uint8)
        return labels, np.moveaxis(np.eye(2, dtype=np.float32)[labels], -1, 1)


def test_slices_of_volumes_go_back_into_their_volume(regime: Regime, slices: SliceSet, study: Any) -> None:
    planned = plan_grids(slices, regime.test)
    assert [grid.subject for grid in planned.grids] == list(study.test)
    assert {(grid.axis, len(grid.slices), grid.spacing) for grid in planned.grids} == {
        (2, study.depth, (1.0, 1.0, 3.0))
    }
    assert (planned.dimensions, planned.physical, planned.tolerance) == (3, True, 1.0)


def test_a_subject_scores_what_its_whole_volume_does(regime: Regime, slices: SliceSet, study: Any) -> None:
    scores = score_subjects(study.threshold(shift=0.1), slices, regime.test)
    dataset = regime.dataset
    for case in dataset.cases_of(study.test[:3]):
        truth, image = dataset.read_label(case), dataset.read_image(case)[0]
        prediction = np.digitize(np.clip(image, 0, 100) / 50 - 1, [-0.2, 0.4]).astype(np.uint8)
        tally = SubjectTally(3, tolerance=1.0)
        tally.add(prediction, truth, spacing=(1.0, 1.0, 3.0))
        for name, values in tally.metrics().items():
            assert np.allclose(scores[case.subject].metrics[name], values, equal_nan=True), name


@pytest.mark.parametrize(
    ("spacing", "numbers", "stacked"),
    [
        ((0.5, 0.5, 3.0), (2, 4, 6), True),
        ((0.5, 0.5), (2, 4, 6), False),
        (None, (2, 4, 6), False),
        ((0.5, 0.5, 3.0), (2, 4, 7), False),
    ],
)
def test_pictures_are_stacked_where_their_distance_is_known(
    tmp_path: Path, spacing: tuple[float, ...] | None, numbers: tuple[int, ...], stacked: bool
) -> None:
    slices = pictures(tmp_path / "stacks", spacing=spacing, numbers=numbers)
    everything = np.arange(len(slices))
    planned = plan_grids(slices, everything)
    assert len(planned.grids) == (2 if stacked else 6)
    assert planned.dimensions == (3 if stacked else 2)
    assert planned.physical == (spacing is not None)
    pixel = 0.5 if spacing else 1.0
    assert planned.grids[0].spacing == ((pixel, pixel, 6.0) if stacked else (pixel, pixel))
    assert planned.tolerance == pixel
    scores = score_subjects(Perfect(), slices, everything)
    assert sorted(scores) == ["p", "q"]
    for score in scores.values():
        assert score.metrics["dice"] == 1
        assert score.metrics["hd95"] == 0
        assert score.counts[1].tolist() == [60, 0, 0]


@pytest.mark.parametrize(("of_q", "dimensions"), [((2, 4, 6), 3), ((2, 4, 7), 2)])
def test_all_subjects_of_a_dataset_are_measured_in_one_unit(
    tmp_path: Path, of_q: tuple[int, ...], dimensions: int
) -> None:
    """Volumes and areas do not pool: a fold that tests p alone measures as one that tests q."""
    slices = pictures(tmp_path / "stacks", spacing=(0.5, 0.5, 3.0), of_q=of_q)
    for subject in ("p", "q"):
        assert plan_grids(slices, slices.indices([subject])).dimensions == dimensions
