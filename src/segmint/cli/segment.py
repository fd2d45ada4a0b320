"""`segmint segment train` and `segmint segment predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segmint.cli import options

app = typer.Typer(
    help="A segmenter on its own: train it, and segment images with it.", rich_markup_mode=None, add_completion=False
)


@app.command("train")
def train_verb(
    real: Annotated[Path, typer.Argument(metavar="REAL", help="The real dataset.")],
    out: options.Out,
    synthetic: Annotated[
        Path | None, typer.Argument(metavar="[SYNTH]", help="What segmint sample wrote.", show_default=False)
    ] = None,
    arm: Annotated[
        str, typer.Option("--arm", metavar="ARM", help="What it learns from, such as 100R+300F; as in a trial.")
    ] = "100R",
    segmenter: options.Segmenter = "unet",
    segmenter_preset: options.SegmenterPreset = "repaired",
    segmenter_capacity: options.SegmenterCapacity = None,
    settings: options.SegmenterSettings = None,
    augment: options.Augment = "none",
    size: options.Size = None,
    axis: options.Axis = None,
    steps: Annotated[
        int | None, typer.Option("--steps", metavar="N", help="Optimiser steps.  [default: by size]")
    ] = None,
    batch: options.SegmenterBatch = None,
    subset: options.Subset = None,
    repeat: options.Repeat = None,
    seed: options.Seed = 0,
    overwrite: options.Overwrite = False,
    device: options.Device = "auto",
) -> None:
    """Train the segmenter of one arm, such as the one a trial found best.

    The same command goes on with a training that was stopped.
    """
    from segmint.segmentation.train import train_for_use

    train_for_use(
        real,
        synthetic,
        out=out,
        arm=arm,
        segmenter=segmenter,
        segmenter_preset=segmenter_preset,
        segmenter_capacity=segmenter_capacity,
        segmenter_settings=options.read_settings(settings),
        augment=options.read_names(augment) or [],
        size=size,
        axis=axis,
        steps=steps,
        batch=batch,
        subset=subset,
        repeat=repeat,
        seed=seed,
        overwrite=overwrite,
        device=device,
    )
    typer.echo(f"Segmenter: {out}")


@app.command("predict")
def predict_verb(
    segmenter: Annotated[Path, typer.Argument(metavar="SEGMENTER", help="Folder that segment train wrote, or a run.")],
    images: Annotated[
        Path, typer.Argument(metavar="IMAGES", help="Folder of images, such as imagesTs: CASE_0000.nii.gz and so on.")
    ],
    out: options.Out,
    overwrite: options.Overwrite = False,
    device: options.Device = "auto",
) -> None:
    """Segment images of any size and spacing, each on its own grid."""
    from segmint.segmentation.predict import predict

    predict(segmenter, images, out=out, overwrite=overwrite, device=device)
    typer.echo(f"Label maps: {out}")
