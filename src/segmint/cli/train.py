"""`segmint train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segmint.cli import options


def train_verb(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Name of a recipe (segmint recipes lists them).")],
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Dataset folder in nnU-Net layout.")],
    out: options.Out,
    size: options.Size = None,
    kimg: options.Kimg = None,
    batch: options.Batch = None,
    preset: options.Preset = "repaired",
    capacity: options.Capacity = None,
    mask_source: options.MaskSource = None,
    auxiliary: options.Auxiliary = None,
    conditions: options.Conditions = None,
    tile: options.Tile = None,
    subset: options.Subset = None,
    labelled_subjects: Annotated[
        int | None,
        typer.Option(
            "--labelled-subjects",
            metavar="N",
            help="See labels of N of the training subjects only; recipes that learn from images without labels see all images.",
        ),
    ] = None,
    unlabelled: options.Unlabelled = "use",
    settings: options.Settings = None,
    seed: options.Seed = 0,
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    axis: options.Axis = None,
    reuse: Annotated[
        Path | None,
        typer.Option(
            "--reuse",
            metavar="RUN",
            help="Take over stages that see no labels from a run with other labels or later stages.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done and what it costs; write nothing.")
    ] = False,
    inexact: Annotated[
        bool, typer.Option("--inexact", help="Resume even on another machine or version, no longer bit for bit.")
    ] = False,
) -> None:
    """Train a recipe on a dataset; writes a run folder."""
    from segmint.training.train import train

    run = train(
        recipe,
        dataset,
        out=out,
        size=size,
        kimg=kimg,
        batch=batch,
        preset=preset,
        capacity=capacity,
        mask_source=mask_source,
        auxiliary=auxiliary,
        conditions=options.read_names(conditions),
        tile=tile,
        subset=subset,
        labelled_subjects=labelled_subjects,
        unlabelled=unlabelled,
        settings=options.read_settings(settings),
        seed=seed,
        resume=resume,
        overwrite=overwrite,
        device=device,
        precision=precision,
        threads=threads,
        dry_run=dry_run,
        inexact=inexact,
        axis=axis,
        reuse=reuse,
    )
    if not dry_run:
        typer.echo(f"Run: {run.root}")
