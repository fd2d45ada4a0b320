from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segmint.data.dataset import open_dataset
from segmint.data.pool import PairPool, PoolPart
from segmint.data.slices import open_slices
from segmint.errors import UserError
from segmint.training.segmenter import learning_curve, train_segmenter


@pytest.fixture
def pools(discs: Path) -> tuple[PairPool, PairPool]:
    dataset = open_dataset(discs)
    slices = open_slices(dataset, size=32)
    assert dataset.split is not None
    parts = [
        PairPool([PoolPart(slices, slices.indices(subjects))]) for subjects in (dataset.split.train, dataset.split.test)
    ]
    return parts[0], parts[1]


def test_a_segmenter_learns_discs_and_is_read_back(pools: tuple[PairPool, PairPool], tmp_path: Path) -> None:
    training, test = pools
    arguments = {
        "folder": tmp_path / "cell",
        "steps": 40,
        "batch": 6,
        "seed": 0,
        "device": "cpu",
        "threads": 1,
        "ticks": 4,
    }
    segmenter = train_segmenter("unet", training, test, **arguments)  # type: ignore[arg-type]
    images, labels = test.read(np.arange(len(test)))
    predicted, probabilities = segmenter.predict(images)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    overlap = 2 * ((predicted > 0) & (labels > 0)).sum() / ((predicted > 0).sum() + (labels > 0).sum())
    assert overlap > 0.6
    curve = learning_curve(tmp_path / "cell")
    assert [images for images, _ in curve] == [60, 120, 180, 240]
    assert curve[-1][1] > curve[0][1]
    again = train_segmenter("unet", training, test, **arguments)  # type: ignore[arg-type]
    assert np.array_equal(again.predict(images)[1], probabilities)
    with pytest.raises(UserError, match="another training"):
        train_segmenter("unet", training, test, **{**arguments, "seed": 1})  # type: ignore[arg-type]


def test_a_recipe_without_segmenter_is_refused(pools: tuple[PairPool, PairPool], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no segmenter"):
        train_segmenter("joint-stylegan2", *pools, folder=tmp_path / "cell", steps=1, batch=1, seed=0)
