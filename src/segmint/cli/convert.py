"""`segmint data convert`: folders, or a published layout by its name; and `segmint data layouts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.core import TyperGroup

from segmint.cli import options
from segmint.errors import UserError

if TYPE_CHECKING:
    from segmint.data.convert import ConversionResult, Pseudonyms
    from segmint.data.convert.contrast import Contrast

_ANY_LAYOUT = "LAYOUT"

Subject = Annotated[str | None, typer.Option("--subject", metavar="REGEX", help="Finds the subject in a file's path.")]
PseudonymsWanted = Annotated[
    bool, typer.Option("--pseudonyms", help="Replace the names of subjects and cases by codes.")
]
Key = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help="The same, and write who is who to FILE, outside of DIR.")
]
SaltOf = Annotated[
    Path | None, typer.Option("--salt-of", metavar="KEY", help="Give the codes of an earlier conversion, by its key.")
]
Licence = Annotated[str | None, typer.Option("--licence", metavar="TEXT", help="Of the images, kept with them.")]


class _ByLayout(TyperGroup):
    """Takes every name that is no command of its own for that of a layout, so that a layout needs no command."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return super().get_command(ctx, cmd_name) or super().get_command(ctx, _ANY_LAYOUT)


def _help_if_alone(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app = typer.Typer(
    cls=_ByLayout,
    help="Bring other layouts into a dataset.",
    callback=_help_if_alone,
    invoke_without_command=True,
    rich_markup_mode=None,
    add_completion=False,
)


@app.command("folders")
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
    keep_unlabelled: Annotated[
        bool, typer.Option("--keep-unlabelled", help="Keep images without a mask, in imagesUnlabelled.")
    ] = False,
    subject: Subject = None,
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
    contrast: Annotated[
        str,
        typer.Option(
            "--contrast",
            metavar="file|subject",
            help="What training sees intensities between: the file's range, or percentiles of each subject, as MR wants.",
        ),
    ] = "file",
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Of the dataset.  [default: of DIR]")
    ] = None,
    licence: Licence = None,
    pseudonyms: PseudonymsWanted = False,
    key: Key = None,
    salt_of: SaltOf = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Two folders, or one in which masks lie beside their images."""
    from segmint.data.convert import convert_folders

    result = convert_folders(
        images,
        masks,
        out=out,
        pattern=pattern,
        ignore=ignore or (),
        keep_unlabelled=keep_unlabelled,
        subject=subject,
        channel_names=options.read_list(channels) or None,
        labels=_read_labels(labels),
        threshold=threshold,
        modality=modality,
        contrast=_read_contrast(contrast),
        name=name,
        licence=licence,
        pseudonyms=_pseudonyms(pseudonyms, key, salt_of),
        overwrite=overwrite,
    )
    _tell(result)


@app.command(_ANY_LAYOUT)
def layout_verb(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Folder with the files as their owners ship them.")],
    out: options.Out,
    subject: Subject = None,
    licence: Licence = None,
    observer: Annotated[
        int | None, typer.Option("--observer", metavar="1|2", help="Whose masks to take (chase-db1).  [default: 1]")
    ] = None,
    blocks: Annotated[
        int | None,
        typer.Option(
            "--blocks",
            metavar="N",
            help="Blocks of slices a stack is parted into (drosophila-vnc, epfl-ca1).  [default: 4]",
        ),
    ] = None,
    keep_unlabelled: Annotated[
        bool, typer.Option("--keep-unlabelled", help="Keep series without a segmentation, in imagesUnlabelled (dicom).")
    ] = False,
    priority: Annotated[
        str | None,
        typer.Option("--priority", metavar="A,B,...", help="Labels; where two overlap, the first named wins (dicom)."),
    ] = None,
    pseudonyms: PseudonymsWanted = False,
    key: Key = None,
    salt_of: SaltOf = None,
    overwrite: options.Overwrite = False,
) -> None:
    """A published dataset by the name of its layout; `segmint data layouts` lists them."""
    from segmint.data.convert import convert_layout

    result = convert_layout(
        context.info_name or "",
        source,
        out=out,
        subject=subject,
        licence=licence,
        observer=observer,
        blocks=blocks,
        keep_unlabelled=keep_unlabelled,
        priority=options.read_list(priority),
        pseudonyms=_pseudonyms(pseudonyms, key, salt_of),
        overwrite=overwrite,
    )
    _tell(result)


def layouts_verb() -> None:
    """List the layouts that can be converted, and where to get the data."""
    from rich.console import Console
    from rich.text import Text

    from segmint.data.convert.layouts import LAYOUTS
    from segmint.data.get.catalogue import CATALOGUE

    console = Console()
    for layout in LAYOUTS:
        console.print(Text(layout.name, style="bold"), Text(layout.title))
        told = [("files", layout.files), ("from", layout.origin), ("licence", layout.licence)]
        names = ", ".join(one.name for one in CATALOGUE if one.layout == layout.name)
        told += [("get", f"segmint data get NAME: {names}")] if names else []
        for what, value in told:
            console.print(Text(f"  {what:8}{value}"), soft_wrap=True)
    console.print(Text("folders", style="bold"), Text("Any images with masks: two folders, or one"))


def _pseudonyms(wanted: bool, key: Path | None, salt_of: Path | None) -> Pseudonyms | None:
    from segmint.data.convert import Pseudonyms

    return Pseudonyms(key, salt_of) if wanted or key is not None or salt_of is not None else None


def _tell(result: ConversionResult) -> None:
    for message in result.messages:
        typer.echo(message)
    more = f", {result.unlabelled} images without a mask" if result.unlabelled else ""
    typer.echo(f"Dataset: {result.dataset} ({result.pairs} pairs of {result.subjects} {result.subject_kind}s{more})")


def _read_contrast(word: str) -> Contrast:
    if word not in ("file", "subject"):
        raise UserError(f"--contrast {word}: choose file or subject.")
    return cast("Contrast", word)


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
