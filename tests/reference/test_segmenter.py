"""A segmenter that is trained once: read back, gone on with after a kill, trained afresh where data or files change."""

from __future__ import annotations

import gzip
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from segmint.data.cache import cache_root
from segmint.data.dataset import open_dataset
from segmint.data.pool import PoolPart
from segmint.data.slices import open_slices
from segmint.errors import UserError
from segmint.reference.segmenter import reference_segmenter
from segmint.training.run_folder import RunFolder
from segmint.training.segmenter import Segmenter


@pytest.fixture(autouse=True)
def _fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGMINT_CACHE", str(tmp_path / "cache"))


def train(discs: Path, *, steps: int = 3, recipe: str = "unet", seed: int = 0) -> Segmenter:
    slices = open_slices(open_dataset(discs), size=16)
    split = slices.dataset.split
    assert split is not None
    training, held = (PoolPart(slices, slices.indices(subjects)) for subjects in (split.train, split.test))
    return reference_segmenter(training, held, steps=steps, batch=4, seed=seed, recipe=recipe, device="cpu")


def folders() -> list[Path]:
    return sorted(path for path in (cache_root() / "segmenters").iterdir() if path.is_dir())


def test_it_is_trained_once_and_read_back(discs: Path) -> None:
    images = np.random.default_rng(0).uniform(-1, 1, (3, 1, 16, 16)).astype(np.float32)
    first = train(discs).predict(images)[1]
    (folder,) = folders()
    made = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert np.array_equal(train(discs).predict(images)[1], first)
    assert folders() == [folder]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == made


def test_other_data_or_settings_are_another_training(discs: Path) -> None:
    label = discs / "labelsTr" / "subject_00.nii.gz"
    content = bytearray(gzip.decompress(label.read_bytes()))
    label.write_bytes(gzip.compress(content, compresslevel=0))
    train(discs)
    train(discs, seed=1)
    assert len(folders()) == 2
    # Of the same size on disk, so that the dataset's identity stays: it is the content that tells.
    identity = open_dataset(discs).identity
    quarter = len(content) // 4
    content[-quarter:] = bytes(quarter)
    label.write_bytes(gzip.compress(content, compresslevel=0))
    assert open_dataset(discs).identity == identity
    train(discs)
    assert len(folders()) == 3


def test_a_damaged_one_is_trained_afresh(discs: Path) -> None:
    images = np.zeros((1, 1, 16, 16), dtype=np.float32)
    first = train(discs).predict(images)[1]
    (folder,) = folders()
    (weights,) = folder.rglob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:100])
    assert np.array_equal(train(discs).predict(images)[1], first)
    (weights,) = folder.rglob("*.safetensors")
    weights.unlink()
    assert np.array_equal(train(discs).predict(images)[1], first)


def test_a_recipe_without_segmenter_is_refused(discs: Path) -> None:
    with pytest.raises(UserError, match="no segmenter"):
        train(discs, recipe="joint-stylegan2")
    assert not (cache_root() / "segmenters").exists()


@pytest.mark.slow
def test_a_killed_training_goes_on(discs: Path) -> None:
    steps = 150
    code = f"import runpy, pathlib; runpy.run_path({__file__!r})['train'](pathlib.Path({str(discs)!r}), steps={steps})"
    process = subprocess.Popen([sys.executable, "-c", code])
    while process.poll() is None and not list((cache_root() / "segmenters").glob("*/stages/*/checkpoints/last.json")):
        time.sleep(0.01)
    process.kill()
    process.wait()
    (folder,) = folders()
    run = RunFolder(folder)
    assert run.status == "running", "it was killed too late to show anything"
    first = run.log()[0]
    train(discs, steps=steps)
    assert run.status == "done"
    assert run.log()[0] == first, "the first tick was not trained again"
    assert [line["images"] for line in run.log()] == [steps * 4 * tick // 5 for tick in range(1, 6)]
