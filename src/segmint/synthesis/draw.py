"""The sampler that a run gives: pair i of a drawing depends on the run, the seed and i alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from segmint.errors import UserError
from segmint.recipes import find_recipe
from segmint.recipes.contract import PairStage, Task
from segmint.training.build import build_stages
from segmint.training.checkpoint import restore
from segmint.training.examination import draw_hard
from segmint.training.precision import choose_hardware
from segmint.training.run_folder import RunFolder


class Sampler:
    """Draws pairs in float32, in chunks of one size, so that the same pairs come whatever the caller asks for at once."""

    def __init__(self, stage: PairStage, *, checkpoint_sha256: str, images_shown: int) -> None:
        self.stage = stage
        self.checkpoint_sha256 = checkpoint_sha256
        self.images_shown = images_shown

    def sample(
        self, n: int, seed: int, *, first: int = 0, truncation: float = 1.0
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Pairs first .. first + n - 1: images [n, C, S, S] in [-1, 1] and ids [n, S, S].

        Args:
            truncation: 1 draws from the whole distribution, smaller values nearer to its mean.
        """
        images, labels = draw_hard(self.stage, range(first, first + n), seed=seed, truncation=truncation)
        return images.numpy(), labels.numpy()


def open_sampler(run: Path, *, checkpoint: str = "best", device: str = "auto") -> Sampler:
    """Read the generator of a run.

    Args:
        checkpoint: "best" (by the validation measure) or "last".

    Raises:
        UserError: `run` is no run, gives no pairs, or its files are damaged.
    """
    if checkpoint not in ("best", "last"):
        raise UserError(f"--checkpoint {checkpoint} is unknown: use best or last.")
    folder = RunFolder(run)
    config = folder.config
    hardware = choose_hardware(device=device, precision="float32")
    hardware.apply()
    try:
        recipe = find_recipe(config["recipe"])
        settings = type(next(iter(recipe.presets.values()))).model_validate(config["settings"])
        stages = build_stages(recipe, Task(**config["task"]), settings, hardware, seed=0)
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise UserError(
            f"{folder.root / 'config.json'} is not the configuration of a run ({error}): train again."
        ) from error
    index, stage = len(stages) - 1, stages[-1]
    if not isinstance(stage, PairStage):
        raise UserError(
            f"{run} is a run of {recipe.name}, which draws no pairs: give a run of a recipe that does (segmint recipes)."
        )
    checkpoints = folder.checkpoints(folder.stage_folder(index, stage.name))
    if not checkpoints.has("last"):
        raise UserError(f"{run} has no checkpoint yet: train it (segmint train ... --resume).")
    loaded = checkpoints.load(checkpoint if checkpoints.has(checkpoint) else "last")
    try:
        restore(stage, loaded.tensors)
    except RuntimeError as error:
        raise UserError(f"the checkpoint of {run} does not fit its config.json: train again.") from error
    stage.eval()
    return Sampler(stage, checkpoint_sha256=loaded.sha256, images_shown=int(loaded.state["images"]))
