"""Images without label maps, named as nnU-Net names them, opened as a dataset whose labels are to be predicted."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from segmint.data.case import Case
from segmint.data.dataset import Dataset
from segmint.data.formats import Geometry, ending_of, find_format
from segmint.data.sidecar import SIDECAR_NAME, CaseEntry, read_sidecar
from segmint.errors import UserError

_CHANNEL = re.compile(r"^(?P<case>.+)_(?P<channel>\d{4})$")


def open_unlabelled(
    images: Path,
    *,
    channel_names: Sequence[str],
    label_names: Sequence[str],
    dimensions: Literal[2, 3],
    name: str,
) -> Dataset:
    """The images of a folder such as `imagesTs`, one file a channel (`CASE_0000.nii.gz`, ...) or one RGB file a case.

    What a `segmint.json` beside the folder records of a case (intensity maps, affine, spacing) is kept.

    Args:
        images: the folder.
        channel_names, label_names: in order; dimensions: of the images, single-slice volumes pass for either.

    Raises:
        UserError: the folder is missing or holds no images, files have several endings, a case lacks a channel, or a
            file has other channels or dimensions.
    """
    if not images.is_dir():
        raise UserError(f"{images} is no folder: give the one that holds the images, such as imagesTs.")
    ending, stems = _one_ending(images)
    numbers: dict[str, set[int]] = defaultdict(set)
    for stem in stems:
        match = _CHANNEL.match(stem)
        if match is None:
            raise UserError(
                f"{images / (stem + ending)} has no channel number: name it {stem}_0000{ending} (and _0001 ... for further"
                " channels)."
            )
        numbers[match["case"]].add(int(match["channel"]))
    file_format = find_format(ending, where=images)
    packed = (
        len(channel_names) == 3
        and file_format.dimensions == frozenset({2})
        and all(found == {0} for found in numbers.values())
    )
    expected = {0} if packed else set(range(len(channel_names)))
    for case, found in sorted(numbers.items()):
        if found != expected:
            raise UserError(
                f"{images} has {len(found)} channel{'s' if len(found) > 1 else ''} of {case} where the segmenter takes"
                f" {len(channel_names)} ({', '.join(channel_names)}): give one file a channel, {case}_0000{ending} and so on."
            )
    paths = {case: tuple(images / f"{case}_{n:04d}{ending}" for n in sorted(expected)) for case in sorted(numbers)}
    for path in (path for of_case in paths.values() for path in of_case):
        _check_header(path, file_format.geometry(path), channels=3 if packed else 1, dimensions=dimensions)
    recorded = _recorded(images.parent)
    cases = []
    for case, of_case in paths.items():
        entry = recorded.get(case)
        if entry is not None and entry.intensity is not None and len(entry.intensity) != len(channel_names):
            raise UserError(
                f'{images.parent / SIDECAR_NAME} records {len(entry.intensity)} intensity maps for "{case}" where the segmenter'
                f" takes {len(channel_names)} channels: record one a channel, or none."
            )
        cases.append(_case(case, entry, of_case))
    return Dataset(
        root=images,
        name=name,
        channel_names=tuple(channel_names),
        label_names=tuple(label_names),
        file_ending=ending,
        dimensions=dimensions,
        cases=tuple(cases),
        split=None,
        subsets={},
        provenance=None,
        licence=None,
        packed=packed,
        format=file_format,
    )


def _check_header(path: Path, geometry: Geometry, *, channels: int, dimensions: int) -> None:
    if geometry.channels != channels:
        raise UserError(
            f"{path} holds {geometry.channels} channels where the segmenter takes {channels} in a file: store one file a channel,"
            " as in the dataset it was trained on."
        )
    single = len(geometry.shape) == 3 and 1 in geometry.shape
    if len(geometry.shape) != dimensions and not (dimensions == 2 and single):
        raise UserError(
            f"{path} is {len(geometry.shape)}-D, but the segmenter was trained on {dimensions}-D images: give images of that kind."
        )


def _one_ending(images: Path) -> tuple[str, list[str]]:
    """The ending of all image files in the folder, and their names without it."""
    by_ending: dict[str, list[str]] = defaultdict(list)
    for path in sorted(images.iterdir()):
        ending = ending_of(path.name)
        if ending is not None and not path.name.startswith("."):
            # As the file has it: ".PNG" is read too.
            by_ending[path.name[-len(ending) :]].append(path.name[: -len(ending)])
    if not by_ending:
        raise UserError(f"{images} holds no images: put NIfTI, PNG or TIFF files there, named CASE_0000 and so on.")
    if len(by_ending) > 1:
        raise UserError(f"{images} holds {' and '.join(sorted(by_ending))} files: give a folder of one kind.")
    return next(iter(by_ending.items()))


def _recorded(root: Path) -> Mapping[str, CaseEntry]:
    sidecar = read_sidecar(root)
    return {} if sidecar is None else {**sidecar.unlabelled, **sidecar.cases}


def _case(case: str, entry: CaseEntry | None, paths: tuple[Path, ...]) -> Case:
    entry = entry or CaseEntry(subject=case)
    return Case(
        id=case,
        subject=entry.subject,
        volume=entry.volume,
        slice=entry.slice,
        axis=entry.axis,
        intensity=entry.intensity,
        image_paths=paths,
        label_path=None,
        spacing=entry.spacing,
        affine=entry.affine,
    )
