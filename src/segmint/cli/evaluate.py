"""`segmint evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segmint.cli import options


def evaluate_verb(
    real: Annotated[Path, typer.Argument(metavar="REAL", help="The real dataset.")],
    synthetic: Annotated[Path, typer.Argument(metavar="SYNTH", help="A dataset that segmint sample wrote.")],
    out: options.Out,
    holdout: Annotated[
        Path | None,
        typer.Option(
            "--holdout", metavar="DATASET", help="Real held-out data as a yardstick.  [default: other subjects of REAL]"
        ),
    ] = None,
    size: options.Size = None,
    axis: options.Axis = None,
    fidelity: Annotated[
        bool,
        typer.Option(
            "--fidelity/--no-fidelity", help="Compare images: how real, how varied. Takes about half a minute."
        ),
    ] = True,
    features: Annotated[
        Path | None,
        typer.Option(
            "--features",
            metavar="FILE",
            help="Compare in the features of this network too: .safetensors with its .json, or .onnx (extra onnx).",
        ),
    ] = None,
    privacy: Annotated[
        bool,
        typer.Option("--privacy/--no-privacy", help="Seek copies of training images, which takes about a minute."),
    ] = True,
    alignment: Annotated[
        bool,
        typer.Option("--alignment", help="Also train segmenters on real slices to see whether masks follow images."),
    ] = False,
    steps: Annotated[
        int | None,
        typer.Option("--steps", metavar="N", help="Optimiser steps of each segmenter.  [default: by size]"),
    ] = None,
    batch: Annotated[
        int | None, typer.Option("--batch", metavar="B", help="Slices a step of each segmenter.  [default: 16]")
    ] = None,
    overwrite: options.Overwrite = False,
    device: options.Device = "auto",
) -> None:
    """Are the drawn masks many, new, and of the right shape? Are images real and varied, or copies?

    Compares a synthetic dataset with the real one it was learnt from, and names what is wrong. With --alignment: do the
    masks follow the images?
    """
    from segmint.evaluation.evaluate import RESULT, evaluate

    evaluate(
        real,
        synthetic,
        out=out,
        holdout=holdout,
        size=size,
        axis=axis,
        fidelity=fidelity,
        features=features,
        privacy=privacy,
        alignment=alignment,
        steps=steps,
        batch=batch,
        overwrite=overwrite,
        device=device,
    )
    typer.echo(f"Evaluation: {out / RESULT}")
