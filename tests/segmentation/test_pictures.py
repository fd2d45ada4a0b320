"""Segmenters on 2-D pictures whose intensities were stretched for the training."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmint.data.convert import convert_folders
from segmint.data.dataset import open_dataset
from segmint.data.split import split_dataset
from segmint.segmentation.predict import predict
from segmint.segmentation.train import train_for_use


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dark 8-bit RGB slices of ten patients, each with a brightness of its own; the disc is what is brightest."""
    root = tmp_path_factory.mktemp("pictures")
    rows, columns = np.mgrid[:32, :32]
    for patient in range(10):
        random = np.random.default_rng(patient)
        (root / f"p{patient}").mkdir()
        top = random.integers(30, 90)
        for number in range(3):
            row, column = random.uniform(10, 22, 2)
            disc = np.hypot(rows - row, columns - column) < 6
            image = random.uniform(0, 0.3, (32, 32, 3)) + 0.6 * disc[..., None]
            Image.fromarray((top * image).astype(np.uint8)).save(root / f"p{patient}" / f"p{patient}_{number}.png")
            Image.fromarray((255 * disc).astype(np.uint8)).save(root / f"p{patient}" / f"p{patient}_{number}_mask.png")
    return root


def test_pictures_without_a_record_are_stretched_as_in_the_training(pictures: Path, tmp_path: Path) -> None:
    dataset = open_dataset(
        convert_folders(pictures, out=tmp_path / "data", contrast="subject", channel_names=("a", "b", "c")).dataset
    )
    split_dataset(dataset.root, fractions=(0.6, 0.2, 0.2))
    dataset = open_dataset(dataset.root)
    trained = train_for_use(
        dataset.root, out=tmp_path / "segmenter", size=32, steps=40, batch=4, device="cpu", progress=False
    )
    assert dataset.split is not None
    (tmp_path / "bare").mkdir()
    cases = dataset.cases_of(dataset.split.test)
    for case in cases:
        # As the user has it: another ending in capitals, and nothing recorded beside it.
        shutil.copy(case.image_paths[0], tmp_path / "bare" / f"{case.id}_0000.PNG")
    out = predict(trained, tmp_path / "bare", out=tmp_path / "maps", device="cpu", progress=False)
    shares = []
    for case in cases:
        ids, truth = np.asarray(Image.open(out / f"{case.id}.PNG")), dataset.read_label(case)
        assert ids.shape == truth.shape
        shares.append(2 * ((ids == 1) & (truth == 1)).sum() / ((ids == 1).sum() + (truth == 1).sum()))
    assert np.mean(shares) > 0.8
