"""Any raw dataset of nnU-Net v2, copied with what its layout has no place for [Isensee 2021]."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

from segmint.data.convert.layouts.cases import checked
from segmint.data.convert.layouts.files import existing, find_root, matching_files
from segmint.data.convert.layouts.layout import Layout, LayoutOptions, Source, SourceCase
from segmint.data.convert.layouts.volumes import read_volume
from segmint.data.dataset_json import DATASET_JSON_NAME, Description, read_description
from segmint.data.layout import Found, find_cases
from segmint.data.sidecar import SIDECAR_NAME
from segmint.errors import UserError


def _find(source: Path, options: LayoutOptions) -> Source:
    """`imagesTr/CASE_0000.*`, `labelsTr/CASE.*`; `imagesTs` is the test part with `labelsTs`, unlabelled without."""
    del options
    root = find_root(source, inner=(), holds=DATASET_JSON_NAME)
    description = read_description(root, gaps=True)
    values = description.label_values
    renumbered = values != tuple(range(len(values)))
    if (root / SIDECAR_NAME).exists() and not renumbered:
        raise UserError(
            f"{root} is a dataset of ours already: use it as it is, or `segmint data split` with --subject."
        )
    if description.multichannel_files:
        raise UserError(f"{root / DATASET_JSON_NAME} is the Decathlon's: convert it as msd instead of nnunet.")
    found = find_cases(root, description)
    if found.problems:
        raise UserError(found.problems[0])
    cases = [
        SourceCase(
            id=case.id,
            path=case.images[0],
            place=f"imagesTr/{case.images[0].name}",
            subject=case.id,
            read=partial(read_volume, case.images, case.label, values),
            part="train",
        )
        for case in found.cases
    ]
    if (root / "imagesTs").is_dir() and any((root / "imagesTs").iterdir()):
        cases += _test_cases(root, description, found)
    return Source(
        cases=checked(cases, root),
        channel_names=description.channel_names,
        label_names=description.label_names,
        originally=len(cases),
        subject_kind="image",
        remarks=(
            "The layout does not tell whom a case comes from, so every case counts as its own; say so with --subject.",
            *(_numbered_anew(root, description) if renumbered else ()),
        ),
        file_ending=found.file_ending,
        rgb=found.packed,
        licence=description.licence,
    )


def _numbered_anew(root: Path, description: Description) -> list[str]:
    told = ", ".join(
        f"{value} -> {number} {name}"
        for number, (value, name) in enumerate(zip(description.label_values, description.label_names, strict=True))
    )
    left = [f"{root / SIDECAR_NAME} was not taken over: subjects and split are to be given again."]
    return [f"Label ids were numbered anew, without gaps: {told}.", *(left if (root / SIDECAR_NAME).exists() else ())]


def _test_cases(root: Path, description: Description, found: Found) -> list[SourceCase]:
    folder, labels, ending = root / "imagesTs", root / "labelsTs", found.file_ending
    width = 1 if found.packed else len(description.channel_names)
    cases = []
    for case, first in matching_files(folder, rf"(.+)_0000{ending.replace('.', '[.]')}").items():
        images = [first, *(existing(folder / f"{case}_{channel:04d}{ending}") for channel in range(1, width))]
        mask = existing(labels / f"{case}{ending}") if labels.is_dir() else None
        read = partial(read_volume, images, mask, description.label_values)
        part: Literal["test"] | None = "test" if mask is not None else None
        cases.append(
            SourceCase(id=case, path=first, place=f"imagesTs/{first.name}", subject=case, read=read, part=part)
        )
    return cases


NNUNET = Layout(
    name="nnunet",
    title="Any raw dataset of nnU-Net v2",
    files="dataset.json, imagesTr/CASE_0000.*, labelsTr/CASE.*, imagesTs/CASE_0000.*, labelsTs/CASE.*",
    origin="https://github.com/MIC-DKFZ/nnUNet/blob/master/documentation/dataset_format.md",
    licence="unknown",
    find=_find,
)
