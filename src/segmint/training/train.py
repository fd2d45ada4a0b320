"""`segmint train`: a recipe on a dataset, into a run folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from segmint.data.dataset import Dataset, open_dataset
from segmint.data.orientation import common_orientation
from segmint.data.segmenter_description import DESCRIPTION, description_of
from segmint.data.subjects import Split
from segmint.errors import UserError, WaitingForPerson
from segmint.outputs import write_json
from segmint.recipes import find_recipe, recipe_that_gives
from segmint.recipes.recipe import Recipe
from segmint.seeds import check_seed
from segmint.training.annotations import has_annotations, read_annotations
from segmint.training.announcement import announce, cannot_use_unlabelled
from segmint.training.auxiliary import Auxiliary, open_auxiliary
from segmint.training.checkpoint import freeze
from segmint.training.loop import Diverged, Interrupted
from segmint.training.material import (
    condition_names,
    conditioned,
    default_size,
    training_data,
)
from segmint.training.parts import Grid, Part, plan_part, settings_by_role
from segmint.training.precision import choose_hardware
from segmint.training.run_config import check_out, opened_run
from segmint.training.run_folder import WAITING, RunFolder
from segmint.training.seen_lists import marks_seen, seen, seen_before, union
from segmint.training.stage_training import last_that_draws, train_stage
from segmint.training.taken_over import find_stages, take_over

MASK_SOURCES = ("real", "deformed")
UNLABELLED = ("use", "ignore", "auto")


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
    mask_source: str | None = None,
    auxiliary: str | None = None,
    conditions: Sequence[str] | None = None,
    tile: int | None = None,
    subset: str | None = None,
    labelled_subjects: int | None = None,
    unlabelled: str = "use",
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
    split: Split | None = None,
    reuse: Path | None = None,
    progress: bool = True,
) -> RunFolder:
    """Train `recipe` on the training subjects of `dataset` and write the run folder `out`.

    Args:
        size: side of the training images, a power of two; default: the smallest that holds the slices, at most 64 on a CPU
            and 256 on a GPU.
        kimg: budget in thousands of images shown; batch: images a step; both default to the recipe's.
        preset: "faithful" (as published) or "repaired"; capacity: "small" (default on a CPU) or "full".
        mask_source: for recipes that paint masks: "real", "deformed", or a recipe that gives masks, which is then trained
            first and within the run; default: the recipe's. (Sampling may use another one.)
        auxiliary: "DATASET:MAP": a dataset that has the condition map MAP, from which a transfer stage learns to predict it.
        conditions: names of the condition maps the recipe is given; default: the recipe's; empty: none.
        tile: train on unscaled tiles of this side, out of slices of `size`; sampling then paints whole slices.
        subset: name of a stored subset of the training subjects or slices; labelled_subjects: labels of only the first N
            subjects of a seeded order; recipes that learn from unlabelled images see the images of the others.
        unlabelled: what becomes of the images in imagesUnlabelled: "use" refuses recipes that learn from labelled pairs alone,
            "ignore" leaves the images out, "auto" leaves them out where the recipe cannot use them. Those of validation and
            test subjects are never seen.
        settings: single settings of the recipe by name; "masks.name" and "transfer.name" are those of the other parts.
        resume: go on from the last checkpoint, exactly; inexact: even if threads, instructions or versions differ.
        dry_run: say what would be done, with estimates, and write nothing.
        axis: slice axis of volumes; default as nnU-Net's 2-D configuration.
        split: takes the place of the dataset's own, as cross-validation needs.
        reuse: a run that differs from this one in its labels, or in settings that do not shape its stages that see no labels;
            those stages are taken over, not trained again, which gives the same.

    Raises:
        UserError: anything in the input is wrong, or the training diverged.
        WaitingForPerson: the next stage learns from labels that a person gives; all is saved.
        KeyboardInterrupt: stopped by Ctrl-C; all is saved.
    """
    console = Console(stderr=True, quiet=not progress)
    chosen = find_recipe(recipe)
    chosen.check_preset(preset)
    check_seed(seed)
    hardware = choose_hardware(device=device, precision=precision, threads=threads)
    capacity = capacity or ("small" if hardware.device == "cpu" else "full")
    opened = open_dataset(Path(dataset))
    size = size or default_size(opened, device=hardware.device, axis=axis)
    if tile is not None and not 0 < tile <= size:
        raise UserError(f"--tile {tile} must be above 0 and at most --size {size}.")
    if unlabelled not in UNLABELLED:
        raise UserError(f"--unlabelled {unlabelled}: choose {', '.join(UNLABELLED[:-1])} or {UNLABELLED[-1]}.")
    data = training_data(
        opened,
        size=size,
        axis=axis,
        seed=seed,
        subset=subset,
        labelled_subjects=labelled_subjects,
        tile=tile,
        split=split,
        with_unlabelled=unlabelled != "ignore",
    )
    helper = open_auxiliary(auxiliary, data, seed=seed, tile=tile) if auxiliary is not None else None
    predicted = helper.name if helper is not None else None
    names = condition_names(chosen, opened, named=conditions, predicted=predicted)
    if helper is not None and helper.name not in names:
        raise UserError(f"--auxiliary {auxiliary}: {recipe} is given no condition map: leave --auxiliary out.")
    mask_source = choose_mask_source(chosen, preset=preset, named=mask_source)
    if tile is not None:
        check_tiles(chosen, mask_source)
    material = conditioned(data, names, predicted)
    known = {**material.training.conditions, **({helper.name: helper.count} if helper is not None else {})}
    parts = _plan(
        chosen,
        Grid(tile or size, data.training.channels, data.training.label_count),
        counts=[known[name] for name in names],
        helper=helper,
        mask_source=mask_source,
        preset=preset,
        capacity=capacity,
        settings=settings or {},
        slices=len(data.training),
        kimg=kimg,
        batch=batch,
    )
    main = parts[-1]
    hardware.apply()
    stages = [(part, stage) for part in parts for stage in part.build(hardware, seed=seed)]
    for _, stage in stages:
        stage.check(labelled=len(data.training))
    read = {stream for _, stage in stages for stream in (*stage.streams, *stage.gathers)}
    sees_images_alone = data.images_alone > 0 and "unlabelled" in read
    if data.images_alone and not sees_images_alone and unlabelled == "use":
        raise UserError(cannot_use_unlabelled(recipe, opened))
    labelled = seen(opened, data.subjects) if "labelled" in read else []
    pictured = seen(opened, data.image_subjects) if "unlabelled" in read else []
    auxiliary_seen = seen(helper.data.dataset, helper.data.subjects) if helper is not None else []
    auxiliary_selected = seen(helper.data.dataset, helper.data.split.validation) if helper is not None else []
    before = [seen_before(one) for one in (opened, *([helper.data.dataset] if helper is not None else []))]
    config: dict[str, Any] = {
        "segmint": metadata.version("segmint"),
        "recipe": recipe,
        "preset": preset,
        "capacity": capacity,
        "size": size,
        "tile": tile,
        "axis": data.slices.axis,
        "batch": main.task.batch,
        "kimg": main.task.total_images / 1000,
        "seed": seed,
        **{key: value for key, value in asdict(hardware).items() if key != "device"},
        "device": hardware.device,
        "torch": torch.__version__,
        "task": asdict(main.task),
        "parts": [part.as_json() for part in parts],
        "mask_source": mask_source,
        "conditions": _condition_labels(names, opened, helper),
        "auxiliary": None if helper is None else helper.as_json(),
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
            "orientation": common_orientation(opened, opened.cases_of(data.split.train)),
        },
        "split": asdict(data.split),
        "subset": subset,
        "labelled_subjects": labelled_subjects,
        "unlabelled_slices": data.images_alone if sees_images_alone else None,
        "settings": main.settings.model_dump(mode="json"),
        "labels_seen": union(labelled, auxiliary_seen, *(one["labels_seen"] for one in before)),
        "images_seen": union(labelled, pictured, auxiliary_seen, *(one["images_seen"] for one in before)),
        "selected_on": union(
            seen(opened, data.split.validation), auxiliary_selected, *(one["selected_on"] for one in before)
        ),
        "marks_seen": union(
            marks_seen(opened, data.training, data.validation, *([data.unlabelled] if "unlabelled" in read else [])),
            [] if helper is None else marks_seen(helper.data.dataset, helper.data.training, helper.data.validation),
            *(one["marks_seen"] for one in before),
        ),
    }
    config["taken_over"] = {} if reuse is None else find_stages(RunFolder(reuse), config, [one for _, one in stages])
    run = RunFolder(Path(out))
    check_out(run, config, resume=resume, overwrite=overwrite, inexact=inexact)
    announce(console, data, hardware, stages, seed=seed, unlabelled_slices=config["unlabelled_slices"])
    for name in config["taken_over"]:
        console.print(f"stage {name} is taken over from {reuse}", highlight=False)
    if dry_run:
        console.print("dry run: nothing was written.")
        return run
    with opened_run(run, config, resume=resume, overwrite=overwrite, inexact=inexact):
        take_over(run, config["taken_over"])
        try:
            shown = last_that_draws([stage for _, stage in stages])
            for index, (part, stage) in enumerate(stages):
                fed = helper.material if part.role == "transfer" and helper is not None else material
                last = index == len(stages) - 1
                annotated = None
                if "annotated" in stage.gathers:
                    if not has_annotations(run):
                        raise _waiting(run)
                    annotated = read_annotations(run, size=stage.task.size, label_count=stage.task.label_count)
                train_stage(
                    run,
                    index,
                    stage,
                    fed,
                    hardware,
                    annotated=annotated,
                    seed=seed,
                    last=last,
                    shown=index == shown,
                    progress=progress,
                )
                if any(stage in later.stands_on for _, later in stages):
                    freeze(stage, run.checkpoints(run.stage_folder(index, stage.name)))
                if part.role == "transfer" and helper is not None:
                    folder = run.stage_folder(index, stage.name)
                    material = helper.predict(stage, material, folder, hardware.device).ordered(names)
        except Interrupted:
            run.set_status("interrupted")
            console.print(
                f"stopped; all is saved. To go on: the same command with --resume (--out {run.root} --resume)"
            )
            raise KeyboardInterrupt from None
        except Diverged:
            run.set_status("diverged")
            raise
        if "segmenter" in main.recipe.gives:
            write_json(run.root / DESCRIPTION, description_of(data.slices))
        run.set_status("done")
    return run


def _waiting(run: RunFolder) -> WaitingForPerson:
    """The next stage needs a person: what to do."""
    run.set_status(WAITING)
    return WaitingForPerson(
        f"waiting for labels. Draw images to label: segmint annotate export {run.root} --n 16 --out DIR; label them in any "
        f"tool; then segmint annotate import {run.root} DIR, and the command that began the run with --resume."
    )


def _condition_labels(names: Sequence[str], dataset: Dataset, helper: Auxiliary | None) -> dict[str, list[str]]:
    """Label names of each condition map; a computed one has its own name."""
    known = {**({helper.name: helper.label_names} if helper is not None else {}), **dataset.conditions}
    return {name: list(known.get(name, ("background", name))) for name in names}


def choose_mask_source(recipe: Recipe, *, preset: str, named: str | None) -> str | None:
    """Where a recipe that paints masks gets them from; None for recipes that need none.

    Raises:
        UserError: the source is unknown, or the recipe takes no masks.
    """
    if "images" not in recipe.gives:
        if named is not None:
            raise UserError(f"--mask-source {named}: {recipe.name} paints no masks: leave it out.")
        return None
    source = named or recipe.mask_source[preset]
    if source not in MASK_SOURCES and "masks" not in find_recipe(source).gives:
        known = ", ".join(MASK_SOURCES)
        raise UserError(f"--mask-source {source}: give {known}, or a recipe that gives masks (segmint recipes).")
    return source


def check_tiles(recipe: Recipe, mask_source: str | None) -> None:
    """Whether a run on tiles can give whole images afterwards.

    Raises:
        UserError: it would draw tiles, or masks of tiles.
    """
    if mask_source is None:
        raise UserError(
            f"--tile: {recipe.name} would draw tiles, not images; only recipes that paint masks can use it."
        )
    if mask_source not in MASK_SOURCES:
        raise UserError(
            f"--tile: {mask_source} would draw masks of tiles, not of images: give --mask-source "
            f"{' or '.join(MASK_SOURCES)}."
        )


def _plan(
    chosen: Recipe,
    grid: Grid,
    *,
    counts: Sequence[int],
    helper: Auxiliary | None,
    mask_source: str | None,
    preset: str,
    capacity: str,
    settings: Mapping[str, str],
    slices: int,
    kimg: float | None,
    batch: int | None,
) -> list[Part]:
    by_role = settings_by_role(settings)
    parts = []
    if helper is not None:
        parts.append(
            plan_part(
                "transfer",
                recipe_that_gives("conditions"),
                Grid(grid.size, grid.image_channels, helper.material.training.label_count),
                preset=preset,
                capacity=capacity,
                condition_counts=[helper.count],
                slices=len(helper.material.training),
                changes=by_role["transfer"],
            )
        )
    shared: dict[str, Any] = {"capacity": capacity, "condition_counts": counts, "slices": slices}
    if mask_source is not None and mask_source not in MASK_SOURCES:
        parts.append(
            plan_part("masks", find_recipe(mask_source), grid, preset=preset, changes=by_role["masks"], **shared)
        )
    parts.append(
        plan_part("main", chosen, grid, preset=preset, changes=by_role["main"], kimg=kimg, batch=batch, **shared)
    )
    present = {part.role for part in parts}
    for role, changes in by_role.items():
        if changes and role not in present:
            raise UserError(f"--set {role}.{next(iter(changes))}: this run has no such part; leave it out.")
    return parts
