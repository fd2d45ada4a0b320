"""Runs that give a segmenter, used as one."""

from __future__ import annotations

import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest

from segmint.data.dataset import open_dataset
from segmint.errors import UserError
from segmint.segmentation.predict import predict
from segmint.synthesis.open_run import open_run_segmenter, open_sampler
from segmint.training.train import train


@pytest.fixture
def images(branched_run: Path, tmp_path: Path) -> Path:
    """A test volume of the discs, without its labels."""
    dataset = open_dataset(branched_run.parent / "discs")
    assert dataset.split is not None
    (tmp_path / "imagesTs").mkdir()
    shutil.copy(dataset.cases_of(dataset.split.test)[0].image_paths[0], tmp_path / "imagesTs")
    return tmp_path / "imagesTs"


def test_a_run_draws_and_segments(branched_run: Path, images: Path, tmp_path: Path) -> None:
    out = predict(branched_run, images, out=tmp_path / "labels", device="cpu", progress=False)
    (written,) = out.iterdir()
    found = np.asarray(nibabel.load(written).dataobj)
    assert found.shape == (24, 24, 3)
    assert found.max() <= 2
    drawn, labels = open_sampler(branched_run, device="cpu").sample(2, 0)
    assert (drawn.shape, labels.shape) == ((2, 1, 32, 32), (2, 32, 32))
    segmenter = open_run_segmenter(branched_run, device="cpu")
    again = segmenter.predict(drawn)[1]
    assert np.array_equal(again, segmenter.predict(drawn)[1])


def test_so_does_a_run_of_a_plain_segmenter(discs: Path, images: Path, tmp_path: Path) -> None:
    run = train(
        "unet",
        discs,
        out=tmp_path / "run",
        size=32,
        kimg=0.008,
        batch=4,
        settings={"width": "4"},
        device="cpu",
        threads=1,
        progress=False,
    )
    out = predict(run.root, images, out=tmp_path / "labels", device="cpu", progress=False)
    assert len(list(out.iterdir())) == 1


def test_runs_without_a_segmenter_are_refused(discs_run: Path, images: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="or a finished run of a recipe that gives a segmenter"):
        predict(discs_run, images, out=tmp_path / "labels", device="cpu")
    with pytest.raises(UserError, match="a run of joint-stylegan2, which gives no segmenter"):
        open_run_segmenter(discs_run, device="cpu")
    assert not (tmp_path / "labels").exists()
