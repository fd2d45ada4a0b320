"""`segmint data`: phantom, get, convert, layouts, binarise, inspect, split."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from segmint.cli import convert, options
from segmint.errors import UserError

Dataset = Annotated[Path, typer.Argument(metavar="DATASET", help="Dataset folder in nnU-Net layout.")]


def _help_if_alone(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app = typer.Typer(
    help="Make, convert, inspect and split datasets.",
    callback=_help_if_alone,
    invoke_without_command=True,
    rich_markup_mode=None,
    add_completion=False,
)
app.add_typer(convert.app, name="convert")
app.command("layouts")(convert.layouts_verb)


@app.command("get")
def get_verb(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Such as msd-hippocampus; segmint data layouts lists them.")
    ],
    out: options.Out,
    overwrite: options.Overwrite = False,
) -> None:
    """Fetch an openly licensed dataset, as its owners ship it, for `segmint data convert`.

    A download that was stopped goes on where it stopped when the same command is run again.
    """
    from segmint.data.get import get_dataset
    from segmint.data.get.catalogue import find_published

    path = get_dataset(name, out=out, overwrite=overwrite)
    typer.echo(f"Files: {path}")
    typer.echo(f"Next: segmint data convert {find_published(name).layout} {shlex.quote(str(path))} --out DIR")


@app.command("phantom")
def phantom_verb(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="brain, retina, em-a, em-b, stroke or thorax.")],
    out: options.Out,
    subjects: Annotated[int, typer.Option("--subjects", metavar="N", help="Number of subjects.")] = 30,
    seed: options.Seed = 0,
    size: Annotated[
        int | None, typer.Option("--size", metavar="N", help="Side of the slices in pixels.  [default: the kind's own]")
    ] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Draw a dataset: no patients, exact labels."""
    from segmint.data.phantoms import write_phantom

    path = write_phantom(kind, out, subjects=subjects, seed=seed, size=size, overwrite=overwrite)
    typer.echo(f"Dataset: {path} ({subjects} subjects)")


@app.command("binarise")
def binarise_verb(dataset: Dataset, out: options.Out, overwrite: options.Overwrite = False) -> None:
    """Copy a dataset with all its labels merged into one, foreground."""
    from segmint.data.binarise import binarise_dataset

    binary = binarise_dataset(dataset, out=out, overwrite=overwrite)
    typer.echo(f"Dataset: {binary.root} ({len(binary.cases)} pairs, one label)")


@app.command("inspect")
def inspect_verb(
    dataset: Dataset,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what a dataset holds and what is wrong with it.

    Reads every file. Exit code 2 if anything must be mended.
    """
    from segmint.cli.inspection import show_inspection
    from segmint.data.inspect import inspect_dataset

    inspection = inspect_dataset(dataset)
    show_inspection(inspection, as_json=json)
    if problems := len(inspection["problems"]):
        raise UserError(f"{dataset} has {problems} problem{'s' if problems > 1 else ''} to mend, listed above.")


@app.command("split")
def split_verb(
    dataset: Dataset,
    subsets: Annotated[
        str | None,
        typer.Option("--subsets", metavar="10,20,all", help="Also store nested training sets of so many subjects."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="JSON", help="Your own split: lists of subjects by part.")
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option("--subject", metavar="REGEX", help="Finds the subject in a case's name, and records it."),
    ] = None,
    fractions: Annotated[
        str | None,
        typer.Option(
            "--fractions", metavar="A,B,C", help="Shares of train, validation and test.  [default: 0.7,0.1,0.2]"
        ),
    ] = None,
    seed: options.Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Leave DATASET untouched; write a dataset that points to its files."),
    ] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Split by subject, and store the split in the dataset."""
    from segmint.data.split import split_dataset

    opened = split_dataset(
        dataset,
        seed=seed,
        subsets=options.read_list(subsets),
        file=file,
        subject=subject,
        fractions=_read_fractions(fractions),
        out=out,
        overwrite=overwrite,
    )
    split = opened.split
    assert split is not None
    parts = (("train", split.train), ("validation", split.validation), ("test", split.test))
    typer.echo("Split: " + ", ".join(f"{len(subjects)} subjects {name}" for name, subjects in parts))
    for name, subset in opened.subsets.items():
        slices = "" if subset.slices is None else f", {len(subset.slices)} slices"
        typer.echo(f"Subset {name}: {len(subset.subjects)} subjects{slices}")


def _read_fractions(text: str | None) -> tuple[float, float, float] | None:
    if text is None:
        return None
    try:
        train, validation, test = (float(word) for word in options.read_list(text))
    except ValueError as error:
        raise UserError(f"--fractions {text}: give three numbers that add up to 1, such as 0.7,0.1,0.2.") from error
    return train, validation, test
