"""A segmenter trained by the one loop, for the trial and whatever else needs one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segmint.data.conditioned_pool import ConditionedPool
from segmint.data.pool import PairPool
from segmint.errors import UserError
from segmint.outputs import write_json
from segmint.recipes import find_recipe
from segmint.recipes.contract import Gathered, SegmenterStage, Stage, Task
from segmint.recipes.recipe import Recipe, RecipeSettings
from segmint.training.build import build_stages
from segmint.training.checkpoint import freeze, restore
from segmint.training.examination import segmenter_examiner
from segmint.training.loop import Examination, Interrupted, Loop, Plan
from segmint.training.precision import Hardware, choose_hardware
from segmint.training.progress import shown_progress
from segmint.training.run_config import as_json
from segmint.training.run_folder import RunFolder, RunLog
from segmint.training.stored_config import read_segmenter

CHUNK = 32


class Segmenter:
    """A trained segmenter, at the size it was trained at.

    Attributes:
        training_seconds: how long its steps took, whenever that was; None where it is not known.
    """

    def __init__(self, stage: SegmenterStage, device: str, training_seconds: float | None = None) -> None:
        self.stage, self.device, self.training_seconds = stage, device, training_seconds

    def predict(self, images: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Images [N, C, S, S] in [-1, 1] -> ids [N, S, S] and probabilities [N, K, S, S]."""
        parts = []
        for start in range(0, len(images), CHUNK):
            chunk = torch.from_numpy(np.ascontiguousarray(images[start : start + CHUNK])).to(self.device)
            parts.append(self.stage.probabilities(chunk).cpu().numpy())
        probabilities = np.concatenate(parts)
        return probabilities.argmax(axis=1).astype(np.uint8), probabilities

    def encode(self, images: Tensor) -> Tensor | None:
        """Images [n, C, S, S] in [-1, 1] -> features [n, D] of its encoder, on the CPU; None where it has none."""
        found = self.stage.encode(images.to(self.device))
        return None if found is None else found.cpu()


@dataclass(frozen=True)
class SegmenterPlan:
    """A training with everything resolved."""

    recipe: Recipe
    task: Task
    settings: RecipeSettings
    preset: str
    capacity: str
    hardware: Hardware
    seed: int
    training_slices: int

    @property
    def config(self) -> dict[str, Any]:
        """What config.json holds: two trainings on the same slices with equal ones give the same segmenter."""
        return {
            "segmint": metadata.version("segmint"),
            "recipe": self.recipe.name,
            "preset": self.preset,
            "capacity": self.capacity,
            "seed": self.seed,
            "task": asdict(self.task),
            **asdict(self.hardware),
            "settings": self.settings.model_dump(mode="json"),
            "training_slices": self.training_slices,
        }


def default_capacity(device: str) -> str:
    """Width of networks unless told otherwise, by where they train ("cpu", "cuda")."""
    return "small" if device == "cpu" else "full"


def plan_segmenter(
    recipe: str,
    pool: PairPool,
    *,
    steps: int,
    batch: int,
    seed: int,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    preset: str = "repaired",
    capacity: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> SegmenterPlan:
    """Resolve what `train_segmenter` is told.

    Raises:
        UserError: the recipe gives no segmenter, or a value is unknown.
    """
    chosen = find_recipe(recipe)
    if "segmenter" not in chosen.gives:
        raise UserError(f"{recipe} gives no segmenter: choose one that does (segmint recipes).")
    hardware = choose_hardware(device=device, precision=precision, threads=threads)
    capacity = capacity or default_capacity(hardware.device)
    return SegmenterPlan(
        recipe=chosen,
        task=Task(pool.size, pool.channels, pool.label_count, batch, steps * batch),
        settings=chosen.settings(preset=preset, capacity=capacity, changes=settings or {}),
        preset=preset,
        capacity=capacity,
        hardware=hardware,
        seed=seed,
        training_slices=len(pool),
    )


def train_segmenter(
    recipe: str,
    pool: PairPool,
    validation: PairPool,
    *,
    folder: Path,
    steps: int,
    batch: int,
    seed: int,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    ticks: int = 20,
    preset: str = "repaired",
    capacity: str | None = None,
    settings: Mapping[str, str] | None = None,
    progress: bool = False,
) -> Segmenter:
    """Train a segmenter on `pool` for `steps` optimiser steps and keep the last checkpoint in `folder`.

    A folder that holds a finished training is read and not trained again; an unfinished one goes on from its checkpoint.

    Args:
        validation: pairs on which the learning curve is measured, `ticks` times; nothing is selected by it.
        preset, settings: of the recipe; capacity: default by where it trains (`default_capacity`).

    Raises:
        UserError: the recipe gives no segmenter, or the folder belongs to another training.
        KeyboardInterrupt: stopped by Ctrl-C; a checkpoint was saved.
    """
    planned = plan_segmenter(
        recipe,
        pool,
        steps=steps,
        batch=batch,
        seed=seed,
        device=device,
        precision=precision,
        threads=threads,
        preset=preset,
        capacity=capacity,
        settings=settings,
    )
    task, hardware, config = planned.task, planned.hardware, planned.config
    hardware.apply()
    run = RunFolder(folder)
    if (folder / "config.json").exists():
        if run.config != as_json(config):
            raise UserError(f"{folder} holds another training: remove it, or choose another --out.")
    else:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "config.json", config)
    stages = build_stages(planned.recipe, task, planned.settings, hardware, seed=seed)
    stage = _segmenter_stage(stages)
    if run.status == "done":
        _read_back(stages, run, stage)
        return Segmenter(stage, hardware.device, _seconds(stages, run))
    for number, one in enumerate(stages):
        _train_stage(
            one,
            number,
            pool,
            validation,
            run=run,
            hardware=hardware,
            seed=seed + number,
            ticks=ticks,
            progress=progress,
        )
        if any(one in later.stands_on for later in stages):
            freeze(one, run.checkpoints(run.stage_folder(number, one.name)), which="last")
    run.set_status("done")
    return Segmenter(stage, hardware.device, _seconds(stages, run))


def _train_stage(
    stage: Stage,
    number: int,
    pool: PairPool,
    validation: PairPool,
    *,
    run: RunFolder,
    hardware: Hardware,
    seed: int,
    ticks: int,
    progress: bool,
) -> None:
    """One stage to its end. Streams without labels are those of the same pairs with the labels hidden."""
    task, folder = stage.task, run.stage_folder(number, stage.name)
    every = max(1, task.total_images // task.batch // ticks) * task.batch
    streams = {"labelled": ConditionedPool(pool), "unlabelled": ConditionedPool(pool.with_labels_hidden())}
    stage.prepare(Gathered(labelled=streams["labelled"] if "labelled" in stage.gathers else None))
    with shown_progress(task.total_images, shown=progress, unit=stage.unit) as shown:
        loop = Loop(
            stage,
            {stream: streams[stream] for stream in stage.streams},
            name=folder.name,
            plan=Plan(total=task.total_images, batch=task.batch, tick=every, snapshot=every),
            checkpoints=run.checkpoints(folder),
            log=RunLog(run.root / "log.jsonl"),
            hardware=hardware,
            seed=seed,
            examine=segmenter_examiner(validation, device=hardware.device)
            if isinstance(stage, SegmenterStage)
            else _unexamined,
            on_tick=shown,
        )
        try:
            loop.run()
        except Interrupted:
            raise KeyboardInterrupt from None


def _unexamined(stage: Stage, images_shown: int) -> Examination:  # noqa: ARG001
    """Stages that only lead to a segmenter are not looked at."""
    return Examination()


def _segmenter_stage(stages: Sequence[Stage]) -> SegmenterStage:
    stage = stages[-1]
    assert isinstance(stage, SegmenterStage)
    return stage


def _read_back(stages: Sequence[Stage], run: RunFolder, stage: SegmenterStage) -> None:
    """Every stage that the last one stands on, and itself, at its last checkpoint."""
    for number, one in enumerate(stages):
        checkpoints = run.checkpoints(run.stage_folder(number, one.name))
        if one is stage:
            restore(one, checkpoints.load("last").tensors)
        elif one in stage.stands_on:
            freeze(one, checkpoints, which="last")


def open_segmenter(folder: Path, *, device: str = "auto") -> Segmenter:
    """Read back what `train_segmenter` finished in `folder`.

    Raises:
        UserError: the folder holds no finished training, or its files are damaged.
    """
    run = RunFolder(folder)
    recipe, settings, task, seed = read_segmenter(run)
    if run.status != "done":
        raise UserError(f"The training in {folder} is not finished: repeat the command that began it.")
    hardware = choose_hardware(device=device, precision="float32")
    hardware.apply()
    stages = build_stages(recipe, task, settings, hardware, seed=seed)
    stage = _segmenter_stage(stages)
    _read_back(stages, run, stage)
    return Segmenter(stage, hardware.device, _seconds(stages, run))


def _seconds(stages: Sequence[Stage], run: RunFolder) -> float | None:
    """Of all stages together, as their last checkpoints say; None where one does not."""
    entries = (run.checkpoints(run.stage_folder(number, one.name)).entry("last") for number, one in enumerate(stages))
    told: list[float | None] = [entry.get("seconds") for entry in entries]
    known = [seconds for seconds in told if seconds is not None]
    return float(sum(known)) if len(known) == len(told) else None


def learning_curve(folder: Path) -> list[tuple[int, float]]:
    """(images shown, mean validation Dice) at each tick of a segmenter's training."""
    return [
        (int(line["images"]), float(line["validation"]["value"]))
        for line in RunFolder(folder).log()
        if line["validation"] is not None
    ]
