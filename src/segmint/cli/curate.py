"""`segmint curate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segmint.cli import options


def curate_verb(
    real: Annotated[Path, typer.Argument(metavar="REAL", help="The real dataset.")],
    synthetic: Annotated[Path, typer.Argument(metavar="SYNTH", help="A dataset that segmint sample wrote.")],
    out: options.Out,
    agreement: Annotated[
        float,
        typer.Option(
            "--agreement",
            metavar="SHARE",
            help="Drop pairs that a segmenter agrees with less than with all but this share of real slices; 0: do not.",
        ),
    ] = 0.05,
    copies: Annotated[
        bool,
        typer.Option("--copies/--no-copies", help="Drop near-copies of training images, which takes minutes."),
    ] = True,
    keep: Annotated[
        float | None,
        typer.Option(
            "--keep",
            metavar="SHARE",
            help="Share kept by certainty, where pairs tell.  [default: 0.9, or 1 where segmint sample dropped some]",
        ),
    ] = None,
    size: options.Size = None,
    axis: options.Axis = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", metavar="N", help="Optimiser steps of the segmenter.  [default: by size]"),
    ] = None,
    batch: options.SegmenterBatch = None,
    overwrite: options.Overwrite = False,
    device: options.Device = "auto",
) -> None:
    """Keep the pairs whose masks fit their images and which are no copies; writes a dataset.

    A segmenter of the real training subjects is held against the drawn masks; how much it must agree is learnt from the validation
    subjects, label by label. curation.json says of every pair why it was dropped.
    """
    from segmint.evaluation.curation.curate import RESULT, curate

    path = curate(
        real,
        synthetic,
        out=out,
        agreement=agreement,
        copies=copies,
        keep=keep,
        size=size,
        axis=axis,
        steps=steps,
        batch=batch,
        overwrite=overwrite,
        device=device,
    )
    typer.echo(f"Dataset: {path}; reasons: {path / RESULT}")
