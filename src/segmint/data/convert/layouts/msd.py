"""Medical Segmentation Decathlon: ten tasks with an old-style dataset.json, all channels in one 4-D file [Antonelli 2022]."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from segmint.data.convert.layouts.cases import checked, visible_files
from segmint.data.convert.layouts.files import find_root
from segmint.data.convert.layouts.layout import Content, Layout, LayoutOptions, Source, SourceCase
from segmint.data.convert.layouts.volumes import read_volume
from segmint.data.dataset_json import DATASET_JSON_NAME, read_description
from segmint.errors import UserError


def _find(source: Path, options: LayoutOptions) -> Source:
    """The pairs that `dataset.json` lists in `imagesTr` and `labelsTr`; `imagesTs` comes without masks."""
    del options
    root = find_root(source, inner=(), holds=DATASET_JSON_NAME)
    description = read_description(root)
    if not description.multichannel_files:
        raise UserError(f"{root / DATASET_JSON_NAME} is nnU-Net's own: convert it as nnunet instead of msd.")
    channels, labels = len(description.channel_names), len(description.label_names)
    if not description.pairs or labels < 2:
        raise UserError(f"{root / DATASET_JSON_NAME} lists no training pairs, or no label: restore the original.")
    cases = []
    for name, pair in sorted(description.pairs.items()):
        image, mask = root / pair.images[0], root / pair.label
        read = partial(_read, image, mask, channels, range(labels))
        cases.append(SourceCase(id=name, path=image, place=_place(root, image), subject=name, read=read))
    if (root / "imagesTs").is_dir():
        for image in visible_files(root / "imagesTs", "*.nii.gz"):
            name = image.name.removesuffix(".nii.gz")
            read = partial(_read, image, None, channels, range(labels))
            cases.append(SourceCase(id=name, path=image, place=_place(root, image), subject=name, read=read))
    return Source(
        cases=checked(cases, root),
        channel_names=description.channel_names,
        label_names=description.label_names,
        originally=len(cases),
        remarks=("Every case counts as one subject, as its owners count them.",),
        file_ending=".nii.gz",
        licence=description.licence,
    )


def _place(root: Path, image: Path) -> str:
    return f"{image.parent.relative_to(root).as_posix()}/{image.name}"


def _read(image: Path, mask: Path | None, channels: int, values: Sequence[int]) -> Content:
    content = read_volume([image], mask, values)
    if content.image.shape[0] != channels:
        raise UserError(
            f"{image} has {content.image.shape[0]} channels but {DATASET_JSON_NAME} names {channels}: restore the original."
        )
    return content


MSD = Layout(
    name="msd",
    title="Medical Segmentation Decathlon, any of its tasks",
    files="dataset.json, imagesTr/CASE.nii.gz, labelsTr/CASE.nii.gz, imagesTs/CASE.nii.gz",
    origin="https://medicaldecathlon.com",
    licence="CC BY-SA 4.0",
    find=_find,
)
