"""Data Science Bowl 2018, stage 1: nuclei in light and fluorescence microscopy [Caicedo 2019]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from segmint.data.convert.layouts.cases import checked
from segmint.data.convert.layouts.files import existing, find_root, matching_files, read_binary
from segmint.data.convert.layouts.layout import Content, Layout, LayoutOptions, Source, SourceCase
from segmint.data.convert.pictures import read_image
from segmint.errors import UserError

_IMAGE = r"(.+)\.png"


def _find(source: Path, options: LayoutOptions) -> Source:
    """`ID/images/ID.png` with a mask for every nucleus in `ID/masks`, or `images/ID.png` with `masks/ID.png`."""
    del options
    root = find_root(source, inner=(), holds="**/images/*.png")
    if (root / "stage1_train").is_dir():
        root = root / "stage1_train"
    pairs = _in_one_folder(root) if (root / "images").is_dir() else _folder_an_image(root)
    colour = any(not _is_grey(image) for image, _ in pairs.values())
    cases = [
        SourceCase(
            id=name,
            path=image,
            place=image.relative_to(root).as_posix(),
            subject=name,
            read=partial(_read, image, masks, colour),
        )
        for name, (image, masks) in pairs.items()
    ]
    return Source(
        cases=checked(cases, root),
        channel_names=("red", "green", "blue") if colour else ("microscopy",),
        label_names=("background", "nucleus"),
        originally=670,
        subject_kind="image",
        remarks=(
            "Whom the images come from is not published, so every image counts as its own.",
            "Nuclei are one label: those that touch are not told apart.",
        ),
    )


def _in_one_folder(root: Path) -> Mapping[str, tuple[Path, list[Path]]]:
    images = matching_files(root / "images", _IMAGE)
    return {name: (image, [existing(root / "masks" / f"{name}.png")]) for name, image in images.items()}


def _folder_an_image(root: Path) -> Mapping[str, tuple[Path, list[Path]]]:
    pairs = {}
    for folder in sorted(path for path in root.iterdir() if (path / "images").is_dir()):
        image = existing(folder / "images" / f"{folder.name}.png")
        pairs[folder.name] = (image, list(matching_files(folder / "masks", _IMAGE).values()))
    return pairs


def _is_grey(image: Path) -> bool:
    channels = read_image(image).channels
    return bool((channels == channels[:1]).all())


def _read(image: Path, masks: Sequence[Path], colour: bool) -> Content:
    channels = read_image(image).channels
    nuclei = [read_binary(mask) for mask in masks]
    for path, one in zip(masks, nuclei, strict=True):
        if one.shape != channels.shape[1:]:
            raise UserError(f"{path} does not have the shape of {image}: restore the originals.")
    wanted = np.broadcast_to(channels, (3, *channels.shape[1:])) if colour else channels[:1]
    return Content(wanted, np.maximum.reduce(nuclei))


DSB2018 = Layout(
    name="dsb2018",
    title="Microscopy: nuclei (Data Science Bowl 2018)",
    files="ID/images/ID.png, ID/masks/*.png; or images/ID.png, masks/ID.png",
    origin="https://bbbc.broadinstitute.org/BBBC038",
    licence="CC0 1.0",
    find=_find,
)
