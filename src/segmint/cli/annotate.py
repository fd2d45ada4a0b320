"""`segmint annotate export` and `segmint annotate import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from segmint.cli import options

app = typer.Typer(help="Images out to any labelling tool, label maps back in.", rich_markup_mode=None)
Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run that draws images without labels.")]


@app.command("export")
def export_verb(
    run: Run,
    out: options.Out,
    n: Annotated[int, typer.Option("--n", metavar="N", help="Number of images.")] = 16,
    seed: options.Seed = 0,
    truncation: Annotated[
        float, typer.Option("--truncation", metavar="T", help="Below 1: less varied images, fewer odd ones.")
    ] = 0.7,
    overwrite: options.Overwrite = False,
    device: options.Device = "auto",
) -> None:
    """Draw images to be labelled; writes an nnU-Net dataset whose labelsTr is empty."""
    from segmint.synthesis.annotate import export_images

    path = export_images(run, n=n, out=out, seed=seed, truncation=truncation, overwrite=overwrite, device=device)
    typer.echo(f"Images: {path / 'imagesTr'} ({n}). Put a label map for each into {path / 'labelsTr'}.")


@app.command("import")
def import_verb(
    run: Run,
    dataset: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder that export wrote, with its label maps in labelsTr.")
    ],
    overwrite: options.Overwrite = False,
) -> None:
    """Take label maps into the run; segmint train ... --resume then goes on."""
    from segmint.synthesis.annotate import import_labels

    path = import_labels(run, dataset, overwrite=overwrite)
    typer.echo(f"Labels: {path}. Go on with the command that began the run, and --resume.")
