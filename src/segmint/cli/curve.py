"""`segmint curve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segmint.cli import options


def curve_verb(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Dataset folder in nnU-Net layout.")],
    out: options.Out,
    recipes: Annotated[
        str, typer.Option("--recipes", metavar="A,B|none", help="Recipes that draw pairs (segmint recipes).")
    ] = "none",
    labelled: Annotated[
        str, typer.Option("--labelled", metavar="N,...,all", help="Numbers of labelled training subjects.")
    ] = "4,8,16,all",
    seeds: Annotated[int, typer.Option("--seeds", metavar="K", help="Segmenters trained for each point.")] = 3,
    arm: Annotated[
        str, typer.Option("--arm", metavar="ARM", help="Training set with pairs, in percent of the labelled slices.")
    ] = "100R+300F",
    size: options.Size = None,
    kimg: options.Kimg = None,
    batch: options.Batch = None,
    preset: options.Preset = "repaired",
    capacity: options.Capacity = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="RECIPE.KEY=VALUE", help="One setting of a recipe; may be given several times."),
    ] = None,
    segmenter: options.Segmenter = "unet",
    segmenter_preset: options.SegmenterPreset = "repaired",
    segmenter_capacity: options.SegmenterCapacity = None,
    segmenter_settings: options.OtherSegmenterSettings = None,
    axis: options.Axis = None,
    seed: options.Seed = 0,
    steps: options.Steps = None,
    trial_batch: options.TrialBatch = None,
    augment: options.Augment = "none",
    processes: options.Processes = 1,
    cluster: options.Cluster = None,
    cluster_settings: options.ClusterSettings = None,
    overwrite: options.Overwrite = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
) -> None:
    """How many labels does each way of training do without?

    Trains a U-Net (or another --segmenter) on the first N labelled subjects, alone, with strong augmentation, and with pairs of
    each recipe that was given the same labels, for every N; writes a table and a plot of Dice on the test subjects.

    The same command goes on with a curve that was stopped.
    """
    from segmint.evaluation.curve.curve import draw_curve

    draw_curve(
        dataset,
        out=out,
        recipes=options.read_names(recipes) or [],
        labelled=options.read_list(labelled),
        seeds=seeds,
        arm=arm,
        size=size,
        kimg=kimg,
        batch=batch,
        preset=preset,
        capacity=capacity,
        settings=options.read_settings(settings),
        segmenter=segmenter,
        segmenter_preset=segmenter_preset,
        segmenter_capacity=segmenter_capacity,
        segmenter_settings=options.read_settings(segmenter_settings, flag="--segmenter-set"),
        axis=axis,
        seed=seed,
        steps=steps,
        trial_batch=trial_batch,
        augment=options.read_names(augment) or [],
        overwrite=overwrite,
        device=device,
        precision=precision,
        threads=threads,
        processes=processes,
        cluster=cluster,
        cluster_settings=options.read_settings(cluster_settings, flag="--cluster-set"),
    )
    typer.echo(f"Curve: {out / 'curve.json'}, {out / 'curve.csv'}, {out / 'curve.png'}")
