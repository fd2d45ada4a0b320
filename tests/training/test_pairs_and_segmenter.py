"""A run that draws pairs and segments, from images of all training subjects and labels of some."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from tests.conftest import SEMANTICGAN

from segmint.data.dataset import open_dataset
from segmint.data.pool import PairPool, PoolPart
from segmint.data.slices import open_slices
from segmint.recipes.contract import ImageStage, PairStage, SegmenterStage, Stage
from segmint.training.loop import Loop
from segmint.training.run_folder import RunFolder
from segmint.training.segmenter import learning_curve, open_segmenter, train_segmenter
from segmint.training.stage_training import last_that_draws
from segmint.training.train import train


def test_only_the_labels_of_some_subjects_are_seen(branched_run: Path) -> None:
    config = RunFolder(branched_run).config
    labels, images = ([subject for _, subject in config[key]] for key in ("labels_seen", "images_seen"))
    assert sorted(images) == [f"subject_{i:02d}" for i in range(4)]
    assert len(labels) == 2
    assert set(labels) < set(images)


def test_both_stages_are_trained_looked_at_and_shown(branched_run: Path) -> None:
    run = RunFolder(branched_run)
    assert run.status == "done"
    assert [folder.name for folder in run.stage_folders()] == ["00-pairs", "01-encoder"]
    measures = {line["stage"]: line["validation"]["name"] for line in run.log() if line["validation"]}
    assert measures == {"00-pairs": "sliced_wasserstein", "01-encoder": "dice"}
    for picture in ("reals.png", "fakes_000000.png", "01-encoder/reconstructions_000000.png"):
        assert np.asarray(Image.open(run.previews / picture)).std() > 5
    assert {"losses.png", "losses_00-pairs.png"} <= {path.name for path in run.root.iterdir()}
    assert json.loads((run.root / "segmenter.json").read_text())["label_names"] == ["background", "rim", "core"]


def last_weights(run: RunFolder) -> dict[str, torch.Tensor]:
    found = {}
    for folder in run.stage_folders():
        checkpoints = run.checkpoints(folder)
        weights = load_file(checkpoints.folder / checkpoints.entry("last")["weights"])
        found |= {f"{folder.name}/{name}": value for name, value in weights.items()}
    return found


@pytest.mark.parametrize("stopped_in", ["00-pairs", "01-encoder"])
def test_stopped_in_either_stage_it_goes_on_exactly(
    branched_run: Path, tmp_path: Path, stopped_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments: dict[str, Any] = {
        "kimg": 0.008,
        "batch": 4,
        "size": 32,
        "labelled_subjects": 2,
        "threads": 1,
        "settings": SEMANTICGAN,
        "precision": "float32",
        "device": "cpu",
        "progress": False,
    }
    dataset, out = branched_run.parent / "discs", tmp_path / "run"
    tick = Loop._tick

    def stop(loop: Loop, *values: Any, **options: Any) -> None:
        tick(loop, *values, **options)
        if loop.name == stopped_in and loop.images == 4:
            loop._save(None, best=False)
            raise KeyboardInterrupt

    monkeypatch.setattr(Loop, "_tick", stop)
    with pytest.raises(KeyboardInterrupt):
        train("semanticgan", dataset, out=out, **arguments)
    monkeypatch.undo()
    run = train("semanticgan", dataset, out=out, resume=True, **arguments)
    mine, theirs = last_weights(run), last_weights(RunFolder(branched_run))
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_a_trial_can_train_it_in_the_place_of_a_segmenter(discs: Path, tmp_path: Path) -> None:
    dataset = open_dataset(discs)
    slices = open_slices(dataset, size=32)
    assert dataset.split is not None
    pool, test = (
        PairPool([PoolPart(slices, slices.indices(subjects))]) for subjects in (dataset.split.train, dataset.split.test)
    )
    arguments: dict[str, Any] = {"folder": tmp_path / "cell", "steps": 2, "batch": 4, "seed": 0, "device": "cpu"}
    arguments |= {"threads": 1, "settings": SEMANTICGAN, "ticks": 2}
    segmenter = train_segmenter("semanticgan", pool, test, **arguments)
    images, _ = test.read(np.arange(2))
    ids, probabilities = segmenter.predict(images)
    assert ids.shape == (2, 32, 32)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-4)
    assert [images for images, _ in learning_curve(tmp_path / "cell")] == [4, 8]
    for again in (
        train_segmenter("semanticgan", pool, test, **arguments),
        open_segmenter(tmp_path / "cell", device="cpu"),
    ):
        assert np.array_equal(again.predict(images)[1], probabilities)


def test_the_runs_previews_are_those_of_the_last_stage_that_draws() -> None:
    class Draws(PairStage):
        pass

    class DrawsImages(ImageStage):
        pass

    class Segments(SegmenterStage):
        pass

    def kinds(*of: type[Stage]) -> list[Any]:
        return [one.__new__(one) for one in of]

    for one in (Draws, DrawsImages, Segments):
        one.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]
    assert last_that_draws(kinds(Draws, Segments)) == 0
    assert last_that_draws(kinds(DrawsImages, Segments, Draws)) == 2
    assert last_that_draws(kinds(Segments)) == 0
