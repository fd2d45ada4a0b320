"""Sets of the forecast benchmark that recipes drew, at several lengths of one training."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import segmint
from forecast_data import PAIRS, SIZE
from segmint.outputs import staged_folder
from segmint.recipes.contract import Stage
from segmint.training.checkpoint import CheckpointFolder
from segmint.training.run_folder import RunFolder

# Networks of half the small width: 32 px leave little to draw.
_SMALL = {"width_base": "512", "width_maximum": "64", "width_minimum": "8"}


@dataclass(frozen=True)
class Training:
    """One training, and the images shown at which pairs are drawn from it; the last is its end."""

    recipe: str
    lengths: tuple[int, ...]
    batch: int
    options: Mapping[str, Any] = field(default_factory=dict)


TRAININGS = (
    Training("joint-stylegan2", (2560, 7680, 15360), 8),
    Training("stroke-pix2pix", (4800,), 16, {"mask_source": "deformed", "conditions": ()}),
)


def train(training: Training, real: Path, folder: Path) -> None:
    """Train, keeping a copy of the run at every length; a training that was stopped goes on."""
    run, end = folder / "run", training.lengths[-1]
    begun = (run / "config.json").is_file()
    if begun:
        # A call may have been stopped after a checkpoint was written and before it was copied.
        for stage in RunFolder(run).stage_folders():
            checkpoints = RunFolder(run).checkpoints(stage)
            if checkpoints.has("last"):
                _keep(training, run, folder, images=int(checkpoints.entry("last")["images"]))
    if begun and RunFolder(run).status == "done":
        return
    # A look at every multiple of the first length, and no others: each costs as much as 256 images drawn.
    with patch.object(Stage, "snapshots", end // training.lengths[0]), _kept(training, run, folder):
        segmint.train(
            training.recipe,
            real,
            out=run,
            size=SIZE,
            kimg=end / 1000,
            batch=training.batch,
            settings=_SMALL,
            seed=0,
            resume=begun,
            overwrite=not begun,
            device="cpu",
            progress=False,
            **training.options,
        )


@contextmanager
def _kept(training: Training, run: Path, folder: Path) -> Iterator[None]:
    """Whenever a checkpoint is written at one of the lengths, the run is copied as it is then."""
    save = CheckpointFolder.save

    def saving(self: CheckpointFolder, tensors: Any, state: Mapping[str, Any], *, best: bool) -> None:
        save(self, tensors, state, best=best)
        _keep(training, run, folder, images=int(state["images"]))

    with patch.object(CheckpointFolder, "save", saving):
        yield


def _keep(training: Training, run: Path, folder: Path, *, images: int) -> None:
    if images in training.lengths and not (folder / str(images)).exists():
        with staged_folder(folder / str(images)) as staging:
            shutil.copytree(run, staging, dirs_exist_ok=True)


def draw(folder: Path, length: int, out: Path) -> None:
    """Draw pairs from the copy of a run."""
    segmint.sample(folder / str(length), n=PAIRS, seed=0, out=out, checkpoint="last", device="cpu")
