"""A run that learns images from all training subjects and labels from some, in stages that stand on one another."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import DATASETGAN

from segmint.data.dataset import open_dataset
from segmint.errors import UserError
from segmint.training.material import training_data
from segmint.training.run_folder import RunFolder
from segmint.training.train import train


def test_only_the_labels_of_some_subjects_are_seen(interpreted_run: Path) -> None:
    config = RunFolder(interpreted_run).config
    labels, images = ([subject for _, subject in config[key]] for key in ("labels_seen", "images_seen"))
    assert sorted(images) == [f"subject_{i:02d}" for i in range(4)]
    assert len(labels) == 2
    assert set(labels) < set(images)


def test_every_stage_is_trained_and_shown(interpreted_run: Path) -> None:
    run = RunFolder(interpreted_run)
    assert run.status == "done"
    assert [folder.name for folder in run.stage_folders()] == ["00-images", "01-inversion", "02-interpreter"]
    table = json.loads((run.previews / "01-inversion" / "inversions.json").read_text())
    assert len(table["inversions"]) == table["accepted"] == 3
    assert {"explained_variance", "psnr_db", "accepted"} < table["inversions"][0].keys()
    cases = {(one["case"], one["slice"]) for one in table["inversions"]}
    assert len(cases) == 3
    seen = {subject for _, subject in run.config["labels_seen"]}
    assert all(case.rsplit("_s", 1)[0] in seen or case in seen for case, _ in cases), cases
    for picture in ("00-images/reals.png", "01-inversion/inversions.png", "fakes_000000.png"):
        assert np.asarray(Image.open(run.previews / picture)).std() > 5


def test_too_few_labelled_images_are_told_before_anything_is_trained(discs: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="4 labelled images are to be inverted and there are 3"):
        train(
            "datasetgan",
            discs,
            out=tmp_path / "run",
            size=32,
            labelled_subjects=1,
            settings={**DATASETGAN, "labelled_images": "4"},
            device="cpu",
            progress=False,
        )
    assert not (tmp_path / "run").exists()


def test_hidden_labels_cannot_be_read(discs: Path) -> None:
    data = training_data(open_dataset(discs), size=32, axis=None, seed=0, labelled_subjects=1)
    assert len(data.training) == 3
    assert len(data.unlabelled) == 12
    everything = np.arange(12)
    assert data.unlabelled.read(everything)[1].max() == 0
    assert data.unlabelled.read(everything)[0].std(axis=(1, 2, 3)).min() > 0
