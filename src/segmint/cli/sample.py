"""`segmint sample`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segmint.cli import options


def sample_verb(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that segmint train wrote.")],
    n: Annotated[int, typer.Option("--n", metavar="N", help="Number of pairs.")],
    out: options.Out,
    seed: options.Seed = 0,
    truncation: options.Truncation = None,
    keep: Annotated[
        float | None,
        typer.Option(
            "--keep",
            metavar="SHARE",
            help="Draw more pairs and keep this share, those with the most certain label maps, where a run tells.  [default: the"
            " recipe's]",
        ),
    ] = None,
    mask_source: Annotated[
        str | None,
        typer.Option(
            "--mask-source",
            metavar="real|deformed|RUN",
            help="Masks to paint, for runs that paint masks.  [default: as in training]",
        ),
    ] = None,
    masks: Annotated[
        Path | None, typer.Option("--masks", metavar="DATASET", help="Paint the label maps of this dataset, in order.")
    ] = None,
    balance: options.Balance = None,
    screen_masks: Annotated[
        bool,
        typer.Option(
            "--screen-masks",
            help="Draw a mask again until its shapes lie in the range of the training masks, and it is no nearer to one of them"
            " than masks of different subjects are; for runs that paint masks.",
        ),
    ] = False,
    checkpoint: Annotated[
        str,
        typer.Option(
            "--checkpoint",
            metavar="auto|best|last",
            help="The last unless it is far worse than the best, the best by the validation measure, or the last.",
        ),
    ] = "auto",
    with_real: Annotated[
        bool,
        typer.Option(
            "--with-real",
            help="Add the real training and validation cases, and an nnU-Net splits_final.json that keeps synthetic"
            " cases out of validation.",
        ),
    ] = False,
    overwrite: options.Overwrite = False,
    device: options.Device = "auto",
) -> None:
    """Draw pairs from a run; writes an nnU-Net dataset."""
    from segmint.synthesis.sample import sample

    path = sample(
        run,
        n=n,
        seed=seed,
        out=out,
        truncation=truncation,
        keep=keep,
        mask_source=mask_source,
        masks=masks,
        balance=options.read_shares("--balance", balance),
        screen_masks=screen_masks,
        checkpoint=checkpoint,
        with_real=with_real,
        overwrite=overwrite,
        device=device,
    )
    typer.echo(f"Dataset: {path} ({n} pairs)")
