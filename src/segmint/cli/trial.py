"""`segmint trial`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segmint.cli import options


def trial_verb(
    real: Annotated[Path, typer.Argument(metavar="REAL", help="The real dataset.")],
    out: options.Out,
    synthetic: Annotated[
        list[Path] | None, typer.Argument(metavar="SYNTH...", help="Datasets that segmint sample wrote.")
    ] = None,
    arms: options.Arms = None,
    seeds: Annotated[int, typer.Option("--seeds", metavar="K", help="Segmenters trained for each arm.")] = 5,
    steps: Annotated[
        int | None,
        typer.Option("--steps", metavar="N", help="Optimiser steps, the same in every arm.  [default: by size]"),
    ] = None,
    batch: Annotated[int | None, typer.Option("--batch", metavar="B", help="Slices a step.  [default: 16]")] = None,
    size: options.Size = None,
    axis: options.Axis = None,
    segmenter: Annotated[
        str, typer.Option("--segmenter", metavar="NAME", help="A recipe that gives a segmenter.")
    ] = "unet",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="One setting of the segmenter; may be given several times."),
    ] = None,
    augment: options.Augment = "none",
    subset: options.Subset = None,
    real_slices: Annotated[
        int | None, typer.Option("--real-slices", metavar="N", help="Use only N real slices, drawn at random.")
    ] = None,
    repeat: Annotated[
        str | None,
        typer.Option("--repeat", metavar="LABEL", help="Arms with B, such as 100R+50B, repeat real slices with it."),
    ] = None,
    demonstration: Annotated[
        bool, typer.Option("--demonstration", help="Say in the verdict that this is no evidence.")
    ] = False,
    overwrite: options.Overwrite = False,
    device: options.Device = "auto",
) -> None:
    """Do synthetic pairs make a segmenter better?

    Trains a segmenter on every arm, tests it on held-out subjects, and gives a verdict.

    The same command goes on with a trial that was stopped.
    """
    from segmint.evaluation.trial import trial

    trial(
        real,
        synthetic or [],
        out=out,
        size=size,
        axis=axis,
        arms=options.read_list(arms) if arms is not None else None,
        seeds=seeds,
        steps=steps,
        batch=batch,
        segmenter=segmenter,
        segmenter_settings=options.read_settings(settings),
        augment=options.read_names(augment) or [],
        subset=subset,
        real_slices=real_slices,
        repeat=repeat,
        demonstration=demonstration,
        overwrite=overwrite,
        device=device,
    )
    typer.echo(f"Trial: {out / 'trial.json'}, {out / 'trial.csv'}")
