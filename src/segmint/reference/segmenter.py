"""A segmenter that has learned from real slices alone, trained once and kept in the cache."""

from __future__ import annotations

import hashlib
import json
import shutil

import numpy as np
import torch
from rich.console import Console

from segmint.data.cache import cache_lock, cache_root
from segmint.data.pool import PairPool, PoolPart
from segmint.errors import UserError
from segmint.training.run_folder import RunFolder
from segmint.training.segmenter import Segmenter, plan_segmenter, train_segmenter

# The learning curve is there to be looked at, and chooses nothing.
_TICKS, _VALIDATION_SLICES = 5, 48
_BLOCK = 256


def reference_segmenter(
    training: PoolPart,
    validation: PoolPart | None,
    *,
    steps: int,
    batch: int,
    seed: int = 0,
    recipe: str = "unet",
    device: str = "auto",
    progress: bool = False,
) -> Segmenter:
    """A segmenter trained on real slices, or the same one read back where it was trained before.

    It lies in the cache, under `segmenters`, in a folder named by a hash over everything it depends on: the slices and
    their labels themselves, the dataset, the settings, the machine's arithmetic, the versions. A training that was killed
    goes on from its last checkpoint; a damaged folder is trained afresh; two processes that want the same segmenter wait
    for one another. Folders can be deleted at any time.

    Args:
        training: real slices to learn from.
        validation: real slices of other subjects; a few dozen of them, evenly spread, give the learning curve in the
            folder's `log.jsonl`. Nothing is selected by it. None: training slices take their place.
        steps: optimiser steps of `batch` slices.
        recipe: one that gives a segmenter.
        progress: print a line a tick.

    Raises:
        UserError: the recipe gives no segmenter or does not take this size, or the cache cannot be written.
        KeyboardInterrupt: stopped by Ctrl-C; the next call goes on.
    """
    pool = PairPool([training])
    planned = plan_segmenter(recipe, pool, steps=steps, batch=batch, seed=seed, device=device)
    content = {**planned.config, "torch": torch.__version__, **_described(training)}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    folder = cache_root() / "segmenters" / f"{training.slices.dataset.identity}-{training.slices.size}px-{digest[:16]}"
    say = Console(stderr=True, quiet=not progress, soft_wrap=True, markup=False, highlight=False).print
    with cache_lock(
        folder, what="segmenter", on_wait=lambda: say("Waiting for another process that trains the segmenter.")
    ):
        if folder.exists() and _is_damaged(RunFolder(folder)):
            shutil.rmtree(folder)
        if not (folder / "state.json").exists():
            say(f"Training a segmenter on {len(pool)} real slices, {steps} steps of {batch}; it is kept in {folder}.")
        return train_segmenter(
            recipe,
            pool,
            PairPool([_few(validation or training)]),
            folder=folder,
            steps=steps,
            batch=batch,
            seed=seed,
            device=device,
            ticks=_TICKS,
            progress=progress,
        )


def _described(part: PoolPart) -> dict[str, object]:
    """The slices by what is in them: a label mended in place changes neither names nor sizes of files."""
    slices, digest = part.slices, hashlib.sha256()
    for start in range(0, len(part.indices), _BLOCK):
        block = part.indices[start : start + _BLOCK]
        digest.update(slices.images[block].tobytes())
        digest.update(slices.labels[block].tobytes())
    return {
        "dataset": slices.dataset.identity,
        "axis": slices.axis,
        "flip": part.flip,
        "subjects": sorted({slices.records[i].subject for i in part.indices}),
        "content": digest.hexdigest(),
    }


def _few(part: PoolPart) -> PoolPart:
    spread = np.linspace(0, len(part.indices) - 1, min(_VALIDATION_SLICES, len(part.indices)))
    return PoolPart(part.slices, part.indices[spread.astype(np.int64)])


def _is_damaged(run: RunFolder) -> bool:
    """Whether a checkpoint cannot be read, or a finished training has none."""
    try:
        checkpoints = [run.checkpoints(stage) for stage in run.stage_folders()]
        kept = [one.load("last") for one in checkpoints if one.has("last")]
        return run.status == "done" and not kept
    except UserError:
        return True
