"""`segmint data`: phantom, convert, inspect, split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from segmint.cli import options
from segmint.errors import UserError

Dataset = Annotated[Path, typer.Argument(metavar="DATASET", help="Dataset folder in nnU-Net layout.")]


def _help_if_alone(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _group(purpose: str) -> typer.Typer:
    return typer.Typer(
        help=purpose, callback=_help_if_alone, invoke_without_command=True, rich_markup_mode=None, add_completion=False
    )


app = _group("Make, convert, inspect and split datasets.")
convert = _group("Bring other layouts into a dataset.")
app.add_typer(convert, name="convert")


@app.command("phantom")
def phantom_verb(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="brain: four MR contrasts, a tumour with three labels.")],
    out: options.Out,
    subjects: Annotated[int, typer.Option("--subjects", metavar="N", help="Number of subjects.")] = 30,
    seed: options.Seed = 0,
    size: Annotated[int, typer.Option("--size", metavar="N", help="Side of the slices in pixels.")] = 64,
    overwrite: options.Overwrite = False,
) -> None:
    """Draw a dataset: no patients, exact labels."""
    from segmint.data.phantoms import find_phantom

    path = find_phantom(kind).write(out, subjects=subjects, seed=seed, size=size, overwrite=overwrite)
    typer.echo(f"Dataset: {path} ({subjects} subjects)")


@convert.command("folders")
def folders_verb(
    images: Annotated[
        Path, typer.Argument(metavar="IMAGES", help="Folder of images, or of images and masks together.")
    ],
    out: options.Out,
    masks: Annotated[
        Path | None,
        typer.Argument(metavar="[MASKS]", help="Folder of masks, named as their images.", show_default=False),
    ] = None,
    pattern: Annotated[
        str, typer.Option("--pattern", metavar="NAME", help="Name of a mask; * stands for its image's name.")
    ] = "*_mask",
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="NAME", help="Files to leave out; may be given several times."),
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", metavar="REGEX", help="Finds the subject in a file's path.")
    ] = None,
    channels: Annotated[
        str | None, typer.Option("--channels", metavar="A,B,...", help="Names of the image channels.")
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels", metavar="A=128,B=255", help="Names of the labels with their mask values, or names alone."
        ),
    ] = None,
    threshold: Annotated[
        int | None, typer.Option("--threshold", metavar="V", help="Mask values from V on are foreground.")
    ] = None,
    modality: Annotated[
        str | None,
        typer.Option("--modality", metavar="NAME", help="Such as CT, which decides how intensities are read."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Of the dataset.  [default: of DIR]")
    ] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", metavar="NAME", help="Of the images, kept with them.")
    ] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Two folders, or one in which masks lie beside their images."""
    from segmint.data.convert.folders import convert_folders

    result = convert_folders(
        images,
        masks,
        out=out,
        pattern=pattern,
        ignore=ignore or (),
        subject=subject,
        channel_names=options.read_list(channels) or None,
        labels=_read_labels(labels),
        threshold=threshold,
        modality=modality,
        name=name,
        licence=licence,
        overwrite=overwrite,
    )
    for message in result.messages:
        typer.echo(message)
    typer.echo(f"Dataset: {result.dataset} ({result.pairs} pairs of {result.subjects} subjects)")


def _read_labels(text: str | None) -> Mapping[str, int] | Sequence[str] | None:
    words = options.read_list(text)
    if not words:
        return None
    if not any("=" in word for word in words):
        return words
    labels: dict[str, int] = {}
    for word in words:
        label, _, value = word.partition("=")
        if not label.strip() or not value.strip().isdecimal():
            raise UserError(f"--labels {word}: write every label as name=value, such as tumour=255.")
        labels[label.strip()] = int(value)
    return labels


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
        str, typer.Option("--fractions", metavar="A,B,C", help="Shares of train, validation and test.")
    ] = "0.7,0.1,0.2",
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


def _read_fractions(text: str) -> tuple[float, float, float]:
    try:
        train, validation, test = (float(word) for word in options.read_list(text))
    except ValueError as error:
        raise UserError(f"--fractions {text}: give three numbers that add up to 1, such as 0.7,0.1,0.2.") from error
    return train, validation, test
