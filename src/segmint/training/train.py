"""`segmint train`: a recipe on a dataset, into a run folder."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from segmint.data.dataset import Dataset, open_dataset
from segmint.data.pool import PairPool, PoolPart
from segmint.data.slices import SliceSet, open_slices
from segmint.data.split import make_split, nested_subsets
from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.outputs import check_target, locked, write_json
from segmint.recipes import find_recipe
from segmint.recipes.contract import PairStage, Recipe, Stage, Task
from segmint.training.build import build_stages
from segmint.training.estimate import estimate
from segmint.training.examination import VALIDATION_PAIRS, pair_examiner, segmenter_examiner
from segmint.training.loop import Diverged, Interrupted, Loop, Plan
from segmint.training.loss_plot import write_loss_plot
from segmint.training.precision import Hardware, choose_hardware
from segmint.training.progress import clock, shown_progress
from segmint.training.run_folder import RunFolder, RunLog, describe_environment
from segmint.training.tracking import TensorBoardTrack, tensorboard_is_installed

# A run is looked at about this often: often enough to see a collapse, rarely enough to cost little.
TICKS, SNAPSHOTS = 60, 15
# The loss plot is drawn anew at most this often, and at the end.
PLOT_SECONDS = 30.0


@dataclass(frozen=True)
class TrainingData:
    """What a run trains on, validates on, and has therefore seen."""

    dataset: Dataset
    slices: SliceSet
    split: Split
    subjects: tuple[str, ...]
    training: PairPool
    validation: PairPool


def train(
    recipe: str,
    dataset: Path,
    *,
    out: Path,
    size: int | None = None,
    kimg: float | None = None,
    batch: int | None = None,
    preset: str = "repaired",
    capacity: str | None = None,
    subset: str | None = None,
    labelled_subjects: int | None = None,
    settings: Mapping[str, str] | None = None,
    seed: int = 0,
    resume: bool = False,
    overwrite: bool = False,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    dry_run: bool = False,
    inexact: bool = False,
    axis: int | None = None,
    progress: bool = True,
) -> RunFolder:
    """Train `recipe` on the training subjects of `dataset` and write the run folder `out`.

    Args:
        size: side of the training images, a power of two; default: the smallest that holds the slices, at most 64 on a CPU
            and 256 on a GPU.
        kimg: budget in thousands of images shown; batch: images a step; both default to the recipe's.
        preset: "faithful" (as published) or "repaired"; capacity: "small" (default on a CPU) or "full".
        subset: name of a stored subset of the training subjects or slices; labelled_subjects: only the first N subjects of a
            seeded order.
        settings: single settings of the recipe by name.
        resume: go on from the last checkpoint, exactly; inexact: even if threads, instructions or versions differ.
        dry_run: say what would be done, with estimates, and write nothing.
        axis: slice axis of volumes; default as nnU-Net's 2-D configuration.

    Raises:
        UserError: anything in the input is wrong, or the training diverged.
        KeyboardInterrupt: stopped by Ctrl-C; all is saved.
    """
    console = Console(stderr=True, quiet=not progress)
    chosen = find_recipe(recipe)
    hardware = choose_hardware(device=device, precision=precision, threads=threads)
    capacity = capacity or ("small" if hardware.device == "cpu" else "full")
    resolved = chosen.settings(preset=preset, capacity=capacity, changes=settings or {})
    batch = batch or chosen.batch[preset]
    kimg = chosen.kimg if kimg is None else kimg
    if batch < 1 or kimg <= 0:
        raise UserError(f"--batch {batch} and --kimg {kimg:g} must be positive.")
    opened = open_dataset(Path(dataset))
    size = size or default_size(opened, device=hardware.device, axis=axis)
    data = training_data(opened, size=size, axis=axis, seed=seed, subset=subset, labelled_subjects=labelled_subjects)
    total = -(-round(kimg * 1000) // batch) * batch
    task = Task(size, data.training.channels, data.training.label_count, batch, total)
    config = {
        "segmint": metadata.version("segmint"),
        "recipe": recipe,
        "preset": preset,
        "capacity": capacity,
        "size": size,
        "axis": data.slices.axis,
        "batch": batch,
        "kimg": total / 1000,
        "seed": seed,
        **{key: value for key, value in asdict(hardware).items() if key != "device"},
        "device": hardware.device,
        "torch": torch.__version__,
        "task": asdict(task),
        "dataset": {
            "path": str(Path(dataset).resolve()),
            "name": opened.name,
            "identity": opened.identity,
            "channel_names": list(opened.channel_names),
            "label_names": list(opened.label_names),
            "file_ending": opened.file_ending,
            "dimensions": opened.dimensions,
            "rgb": opened.rgb,
            "licence": opened.licence,
            "training_slices": len(data.training),
            "validation_slices": len(data.validation),
        },
        "grid": {
            "scale": data.slices.scale,
            "reference_shape": list(data.slices.reference_shape),
            "spacing": list(data.slices.spacing),
            "intensity": [asdict(intensity) for intensity in data.slices.intensity],
        },
        "split": asdict(data.split),
        "subset": subset,
        "labelled_subjects": labelled_subjects,
        "settings": resolved.model_dump(mode="json"),
        "labels_seen": _seen(opened, data.subjects),
        "images_seen": _seen(opened, data.subjects),
        "selected_on": _seen(opened, data.split.validation),
    }
    run = RunFolder(Path(out))
    _check_out(run, config, resume=resume, overwrite=overwrite, inexact=inexact)
    hardware.apply()
    stages = build_stages(chosen, task, resolved, hardware, seed=seed)
    _announce(console, chosen, data, task, hardware, stages, seed=seed)
    if dry_run:
        console.print("dry run: nothing was written.")
        return run
    _open_folder(run, config, overwrite=overwrite and not resume)
    with locked(run.root):
        try:
            for index, stage in enumerate(stages):
                _train_stage(run, index, stage, data, task, hardware, seed=seed, progress=progress)
        except Interrupted:
            run.set_status("interrupted")
            console.print(
                f"stopped; all is saved. To go on: the same command with --resume (--out {run.root} --resume)"
            )
            raise KeyboardInterrupt from None
        except Diverged:
            run.set_status("diverged")
            raise
        run.set_status("done")
    return run


def default_size(dataset: Dataset, *, device: str, axis: int | None) -> int:
    """Smallest power of two from 32 that holds the slices, at most 64 on a CPU and 256 on a GPU."""
    largest = 64 if device == "cpu" else 256
    side = max(open_slices(dataset, size=largest, axis=axis).reference_shape)
    return int(min(largest, max(32, 2 ** int(np.ceil(np.log2(side))))))


def training_data(
    dataset: Dataset, *, size: int, axis: int | None, seed: int, subset: str | None, labelled_subjects: int | None
) -> TrainingData:
    """Pools of the training and validation subjects; a seeded split is made where the dataset has none.

    Raises:
        UserError: the subset is unknown or the split leaves nothing to train or validate on.
    """
    slices = open_slices(dataset, size=size, axis=axis)
    split = dataset.split or make_split(dataset.subjects, seed=seed)
    subjects: tuple[str, ...] = split.train
    indices = slices.indices(subjects)
    if subset is not None:
        if subset not in dataset.subsets:
            known = ", ".join(dataset.subsets) or "none"
            raise UserError(
                f"--subset {subset}: {dataset.root} has no such subset (it has {known}): segmint data split makes one."
            )
        stored = dataset.subsets[subset]
        subjects = tuple(subject for subject in split.train if subject in set(stored.subjects))
        indices = slices.indices(subjects)
        if stored.slices is not None:
            wanted = set(stored.slices)
            indices = np.array(
                [i for i in indices if (slices.records[i].case, slices.records[i].slice) in wanted], dtype=np.int64
            )
    if labelled_subjects is not None:
        if not 1 <= labelled_subjects <= len(subjects):
            raise UserError(f"--labelled-subjects {labelled_subjects}: there are {len(subjects)} training subjects.")
        chosen = Split(train=subjects, validation=split.validation, test=split.test)
        subjects = nested_subsets(chosen, [labelled_subjects], seed=seed)[str(labelled_subjects)].subjects
        indices = np.intersect1d(indices, slices.indices(subjects))
    validation = slices.indices(split.validation)
    for name, found in (("training", indices), ("validation", validation)):
        if len(found) == 0:
            raise UserError(
                f"{dataset.root} has no slices for {name}: give its split some subjects (segmint data split)."
            )
    return TrainingData(dataset, slices, split, subjects, _pool(slices, indices), _pool(slices, validation))


def _pool(slices: SliceSet, indices: NDArray[np.int64]) -> PairPool:
    return PairPool([PoolPart(slices, indices)])


def _seen(dataset: Dataset, subjects: Sequence[str]) -> list[list[str]]:
    return [[dataset.identity, subject] for subject in subjects]


def _check_out(run: RunFolder, config: Mapping[str, Any], *, resume: bool, overwrite: bool, inexact: bool) -> None:
    if not resume:
        check_target(run.root, overwrite=overwrite)
        return
    before = run.config
    exact = ("threads", "instructions", "torch", "precision", "device", "segmint")
    for key in config:
        if key in exact and inexact:
            continue
        old, new = before.get(key), _as_json(config[key])
        if key == "dataset":
            old, new = (before["dataset"]["identity"], config["dataset"]["identity"])
        if old != new:
            mend = "pass --inexact to go on all the same" if key in exact else "resume with the command that began it"
            raise UserError(f"{run.root} was trained with {key} = {_short(old)}, now it is {_short(new)}: {mend}.")


def _short(value: Any) -> str:
    return re.sub(r"(?<=.{200}).+", " ...", str(value))


def _as_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _as_json(item) for key, item in value.items()}
    return [_as_json(item) for item in value] if isinstance(value, list | tuple) else value


def _open_folder(run: RunFolder, config: Mapping[str, Any], *, overwrite: bool) -> None:
    if (run.root / "config.json").exists() and not overwrite:
        run.set_status("running")
        return
    old = None
    if overwrite and run.root.exists():
        old = run.root.with_name(f".{run.root.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        run.root.rename(old)
    try:
        run.root.mkdir(parents=True, exist_ok=True)
        write_json(run.root / "environment.json", describe_environment())
        write_json(run.root / "config.json", config)
    except OSError as error:
        raise UserError(f"{run.root} cannot be written ({error.strerror}): choose another --out.") from error
    run.set_status("running")
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def _announce(
    console: Console,
    recipe: Recipe,
    data: TrainingData,
    task: Task,
    hardware: Hardware,
    stages: Sequence[Stage],
    *,
    seed: int,
) -> None:
    console.print(
        f"{recipe.name} on {data.dataset.name}: {len(data.training)} slices of {len(data.subjects)} subjects, "
        f"{len(data.validation)} validation slices of {len(data.split.validation)}; {task.image_channels} channels, "
        f"{task.label_count} labels, {task.size} px; {task.total_images / 1000:g} kimg in batches of {task.batch}; "
        f"{hardware.device}, {hardware.precision}, {hardware.threads} threads",
        highlight=False,
    )
    for stage in stages:
        guess = estimate(stage, task, hardware, seed=seed)
        console.print(
            f"estimate for {stage.name}: about {guess.memory_mb:.0f} MB of tensors, "
            f"{clock(guess.seconds)} at the speed just probed",
            highlight=False,
        )


def _train_stage(
    run: RunFolder,
    index: int,
    stage: Stage,
    data: TrainingData,
    task: Task,
    hardware: Hardware,
    *,
    seed: int,
    progress: bool,
) -> None:
    folder = run.stage_folder(index, stage.name)
    plan = Plan(
        total=task.total_images,
        batch=task.batch,
        tick=max(task.batch, task.total_images // TICKS),
        # A look draws VALIDATION_PAIRS pairs: it must not cost more than what it looks at.
        snapshot=max(task.batch, VALIDATION_PAIRS, task.total_images // SNAPSHOTS),
    )
    if isinstance(stage, PairStage):
        examine = pair_examiner(data.training, data.validation, previews=run.previews, seed=seed)
    else:
        examine = segmenter_examiner(data.validation, device=hardware.device)
    checkpoints = run.checkpoints(folder)
    resumed_at = int(checkpoints.entry("last")["images"]) if checkpoints.has("last") else 0
    track = TensorBoardTrack(run.root / "tensorboard", resumed_at=resumed_at) if tensorboard_is_installed() else None
    log = RunLog(run.root / "log.jsonl")
    plotted = 0.0
    with shown_progress(plan.total, shown=progress) as shown:

        def on_tick(line: Mapping[str, Any]) -> None:
            shown(line)
            if track is not None:
                track(line)
            nonlocal plotted
            if line["images"] >= plan.total or time.monotonic() - plotted > PLOT_SECONDS:
                plotted = time.monotonic()
                write_loss_plot(run.root / "losses.png", [old for old in log.lines() if old["stage"] == folder.name])

        loop = Loop(
            stage,
            dict.fromkeys(stage.streams, data.training),
            name=folder.name,
            plan=plan,
            checkpoints=checkpoints,
            log=log,
            hardware=hardware,
            seed=seed + index,
            examine=examine,
            on_tick=on_tick,
        )
        try:
            loop.run()
        finally:
            if track is not None:
                track.close()
