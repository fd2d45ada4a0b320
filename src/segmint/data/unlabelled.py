"""Images without label maps, named as nnU-Net names them, opened as a dataset whose labels are to be predicted."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from segmint.data.case import Case
from segmint.data.dataset import Dataset, dimensions_of
from segmint.data.formats import Format, ending_of, find_format
from segmint.data.sidecar import CaseEntry, read_sidecar
from segmint.errors import UserError

_CHANNEL = re.compile(r"^(?P<case>.+)_(?P<channel>\d{4})$")


def open_unlabelled(
    images: Path, labels: Path, *, channel_names: Sequence[str], label_names: Sequence[str], name: str
) -> Dataset:
    """The images of a folder such as `imagesTs`, one file a channel (`CASE_0000.nii.gz`, ...) or one RGB file a case.

    What a `segmint.json` beside the folder records of a case (intensity maps, affine, spacing) is kept.

    Args:
        images: the folder.
        labels: folder in which the label map of each case would lie; it need not exist.
        channel_names, label_names: in order.

    Raises:
        UserError: the folder is missing or holds no images, files have several endings, or a case lacks a channel.
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
    recorded = _recorded(images.parent)
    cases = tuple(
        _case(
            case,
            recorded.get(case),
            tuple(images / f"{case}_{n:04d}{ending}" for n in sorted(expected)),
            labels,
            ending,
        )
        for case in sorted(numbers)
    )
    return _assembled(
        images, cases, channel_names, label_names, name, packed=packed, ending=ending, file_format=file_format
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


def _case(case: str, entry: CaseEntry | None, paths: tuple[Path, ...], labels: Path, ending: str) -> Case:
    entry = entry or CaseEntry(subject=case)
    return Case(
        id=case,
        subject=entry.subject,
        volume=entry.volume,
        slice=entry.slice,
        axis=entry.axis,
        intensity=entry.intensity,
        image_paths=paths,
        label_path=labels / f"{case}{ending}",
        spacing=entry.spacing,
        affine=entry.affine,
    )


def _assembled(
    images: Path,
    cases: tuple[Case, ...],
    channel_names: Sequence[str],
    label_names: Sequence[str],
    name: str,
    *,
    packed: bool,
    ending: str,
    file_format: Format,
) -> Dataset:
    return Dataset(
        root=images,
        name=name,
        channel_names=tuple(channel_names),
        label_names=tuple(label_names),
        file_ending=ending,
        dimensions=dimensions_of(file_format, cases),
        cases=cases,
        split=None,
        subsets={},
        provenance=None,
        licence=None,
        packed=packed,
        format=file_format,
    )
