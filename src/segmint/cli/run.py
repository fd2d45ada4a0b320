"""`segmint run` and `segmint demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segmint.cli import options


def run_verb(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="Dataset folder in nnU-Net layout.")],
    out: options.Out,
    recipe: Annotated[
        str | None, typer.Option("--recipe", metavar="NAME", help="Name of a recipe.  [default: chosen by the data]")
    ] = None,
    size: options.Size = None,
    kimg: options.Kimg = None,
    batch: options.Batch = None,
    preset: options.Preset = "repaired",
    capacity: options.Capacity = None,
    mask_source: options.MaskSource = None,
    auxiliary: options.Auxiliary = None,
    conditions: options.Conditions = None,
    tile: options.Tile = None,
    balance: options.Balance = None,
    subset: options.Subset = None,
    unlabelled: options.Unlabelled = "auto",
    settings: options.Settings = None,
    axis: options.Axis = None,
    seed: options.Seed = 0,
    truncation: options.Truncation = None,
    arms: options.Arms = None,
    primary: options.Primary = None,
    seeds: Annotated[int, typer.Option("--seeds", metavar="K", help="Segmenters trained for each arm.")] = 5,
    steps: options.Steps = None,
    trial_batch: options.TrialBatch = None,
    segmenter: options.Segmenter = "unet",
    segmenter_preset: options.SegmenterPreset = "repaired",
    segmenter_capacity: options.SegmenterCapacity = None,
    segmenter_settings: options.OtherSegmenterSettings = None,
    augment: options.Augment = "none",
    surface_tolerance: options.SurfaceTolerance = None,
    fidelity: Annotated[
        bool, typer.Option("--fidelity/--no-fidelity", help="Compare images: how real, how varied.")
    ] = True,
    privacy: Annotated[
        bool, typer.Option("--privacy/--no-privacy", help="Seek copies of training images among the synthetic ones.")
    ] = True,
    alignment: Annotated[
        bool,
        typer.Option(
            "--alignment/--no-alignment",
            help="Train two more segmenters to see whether masks follow images.",
        ),
    ] = True,
    curate: options.Curate = False,
    gate: options.Gate = False,
    gate_shares: options.GateShares = None,
    gate_filters: options.GateFilters = None,
    gate_folds: options.GateFolds = None,
    gate_seeds: options.GateSeeds = None,
    processes: options.Processes = 1,
    cluster: options.Cluster = None,
    cluster_settings: options.ClusterSettings = None,
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
) -> None:
    """From a dataset to a verdict and a report.

    Inspects, trains, samples, evaluates, holds a trial and reports. Without --recipe it picks one and says why.
    """
    from segmint.evaluation.arms import DEFAULT_ARMS
    from segmint.workflow.run import run_workflow

    report = run_workflow(
        dataset,
        out=out,
        recipe=recipe,
        size=size,
        kimg=kimg,
        batch=batch,
        preset=preset,
        capacity=capacity,
        mask_source=mask_source,
        auxiliary=auxiliary,
        conditions=options.read_names(conditions),
        tile=tile,
        balance=options.read_shares("--balance", balance),
        subset=subset,
        unlabelled=unlabelled,
        settings=options.read_settings(settings),
        axis=axis,
        seed=seed,
        truncation=truncation,
        arms=DEFAULT_ARMS if arms is None else options.read_arms(arms) or [],
        primary=primary,
        seeds=seeds,
        steps=steps,
        trial_batch=trial_batch,
        segmenter=segmenter,
        segmenter_preset=segmenter_preset,
        segmenter_capacity=segmenter_capacity,
        segmenter_settings=options.read_settings(segmenter_settings, flag="--segmenter-set"),
        augment=options.read_names(augment) or [],
        surface_tolerance=surface_tolerance,
        fidelity=fidelity,
        privacy=privacy,
        alignment=alignment,
        gate=options.read_gate(gate, shares=gate_shares, filters=gate_filters, folds=gate_folds, seeds=gate_seeds),
        curate=curate,
        processes=processes,
        cluster=cluster,
        cluster_settings=options.read_settings(cluster_settings, flag="--cluster-set"),
        resume=resume,
        overwrite=overwrite,
        device=device,
        precision=precision,
        threads=threads,
    )
    typer.echo(str(report))


def demo_verb(
    out: options.Out,
    budget: Annotated[
        str, typer.Option("--budget", metavar="tiny|small|full", help="A minute, ten minutes, or hours on two cores.")
    ] = "small",
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
) -> None:
    """The same on a brain phantom that segmint draws."""
    from segmint.workflow.demo import demo

    report = demo(
        out,
        budget=budget,
        resume=resume,
        overwrite=overwrite,
        device=device,
        precision=precision,
        threads=threads,
    )
    typer.echo(str(report))
