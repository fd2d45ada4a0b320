"""Finding the files of a dataset and telling everything that is wrong with them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from segmint.data.conditions import condition_path
from segmint.data.dataset_json import DATASET_JSON_NAME, Description
from segmint.data.formats import ending_of, find_format
from segmint.errors import UserError

_CHANNEL = re.compile(r"^(?P<case>.+)_(?P<channel>\d{4})$")


@dataclass(frozen=True)
class FoundCase:
    """Files of one case that is complete."""

    id: str
    images: tuple[Path, ...]
    label: Path
    conditions: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What is there.

    Args:
        file_ending: The one ending of the dataset.
        cases: Complete cases, sorted by id.
        packed: Every case has all its channels in one file (RGB, or the Decathlon's 4-D NIfTI).
        problems: One sentence for each thing that is wrong.
    """

    file_ending: str
    cases: tuple[FoundCase, ...]
    packed: bool
    problems: tuple[str, ...]


def find_cases(folder: Path, description: Description, *, conditions: Sequence[str] = ()) -> Found:
    """Find the training pairs of a dataset, listed in `dataset.json` or lying in `imagesTr` and `labelsTr`.

    Args:
        folder: The dataset.
        description: Its dataset.json.
        conditions: Names of the condition maps that every case must have.
    """
    listed = description.pairs is not None
    found = _listed_cases(folder, description) if listed else _folder_cases(folder, description)
    return _with_conditions(folder, description, found, conditions) if conditions else found


def _with_conditions(folder: Path, description: Description, found: Found, names: Sequence[str]) -> Found:
    """The same with the condition maps of every case; a case that lacks one is left out."""
    pairs = description.pairs or {}
    problems = list(found.problems)
    cases = []
    for case in found.cases:
        listed = pairs[case.id].conditions if case.id in pairs else {}
        paths = {
            name: folder / listed[name] if name in listed else condition_path(folder, case.id, name, found.file_ending)
            for name in names
        }
        missing = [(name, path) for name, path in paths.items() if not path.is_file()]
        if missing:
            name, path = missing[0]
            problems.append(
                f'{path} is missing: segmint.json names the condition "{name}", so every case needs its map.'
            )
        else:
            cases.append(replace(case, conditions=paths))
    return replace(found, cases=tuple(cases), problems=tuple(problems))


def _listed_cases(folder: Path, description: Description) -> Found:
    assert description.pairs is not None
    where = folder / DATASET_JSON_NAME
    problems = []
    cases = []
    channels = len(description.channel_names)
    packed = channels > 1 and all(len(pair.images) == 1 for pair in description.pairs.values())
    for case, pair in sorted(description.pairs.items()):
        images, label = tuple(folder / image for image in pair.images), folder / pair.label
        missing = [path for path in (*images, label) if not path.is_file()]
        if missing:
            problems.append(f"{where} lists {missing[0]}, which does not exist: restore the file or remove the entry.")
        elif len(images) != channels and not packed:
            problems.append(f'{where} lists {len(images)} images for "{case}" but names {channels} channels.')
        else:
            cases.append(FoundCase(case, images, label))
    if not description.pairs:
        problems.append(f"{where} lists no training cases.")
    ending = description.file_ending or ".nii.gz"
    find_format(ending, where=where)
    return Found(ending, tuple(cases), packed, tuple(problems))


def _folder_cases(folder: Path, description: Description) -> Found:
    assert description.file_ending is not None
    where = folder / DATASET_JSON_NAME
    ending = description.file_ending
    find_format(ending, where=where)
    images_folder, labels_folder = folder / "imagesTr", folder / "labelsTr"
    for needed in (images_folder, labels_folder):
        if not needed.is_dir():
            raise UserError(
                f"{needed} does not exist: an nnU-Net dataset keeps its images in imagesTr, its masks in labelsTr."
            )
    problems: list[str] = []
    image_stems = _stems(images_folder, ending, problems)
    label_stems = set(_stems(labels_folder, ending, problems))

    numbers: dict[str, set[int]] = defaultdict(set)
    for stem in image_stems:
        match = _CHANNEL.match(stem)
        if match is None:
            problems.append(
                f"{images_folder / (stem + ending)} has no channel number: name it {stem}_0000{ending} (and _0001 ... "
                "for "
                "further channels)."
            )
        else:
            numbers[match["case"]].add(int(match["channel"]))

    names = description.channel_names
    packed = len(names) == 3 and ending != ".nii" and ending != ".nii.gz" and all(n == {0} for n in numbers.values())
    expected = {0} if packed else set(range(len(names)))
    complete: set[str] = set()
    for case, found in sorted(numbers.items()):
        missing, extra = sorted(expected - found), sorted(found - expected)
        if missing:
            problems.append(
                f"{images_folder / f'{case}_{missing[0]:04d}{ending}'} is missing: dataset.json names {len(names)} "
                "channels "
                f'("{names[missing[0]]}" is number {missing[0]}).'
            )
        elif extra:
            problems.append(
                f"{images_folder / f'{case}_{extra[0]:04d}{ending}'} is a channel that {where} does not name: add it "
                "to "
                "channel_names or remove the file."
            )
        else:
            complete.add(case)
    problems += _unpaired(images_folder, sorted(set(numbers) - label_stems), f"has no mask in {labels_folder}", "image")
    problems += _unpaired(labels_folder, sorted(label_stems - set(numbers)), f"has no image in {images_folder}", "mask")
    if not numbers and not label_stems and not problems:
        problems.append(f"{images_folder} holds no {ending} files: the dataset is empty.")

    width = 1 if packed else len(names)
    cases = tuple(
        FoundCase(
            case,
            tuple(images_folder / f"{case}_{channel:04d}{ending}" for channel in range(width)),
            labels_folder / f"{case}{ending}",
        )
        for case in sorted(complete & label_stems)
    )
    return Found(ending, cases, packed, tuple(problems))


def _stems(folder: Path, ending: str, problems: list[str]) -> list[str]:
    """File names without `ending`; image files with another ending are a problem, other files are left alone."""
    stems = []
    others = []
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.name.endswith(ending):
            stems.append(path.name[: -len(ending)])
        elif ending_of(path.name) is not None:
            others.append(path.name)
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        problems.append(
            f"{folder / min(others)}{more} does not have the file ending {ending} of dataset.json: a dataset has one "
            "file "
            "ending; convert these files or remove them."
        )
    return sorted(stems)


def _unpaired(folder: Path, cases: Sequence[str], complaint: str, kind: str) -> list[str]:
    return [f'The {kind} "{case}" in {folder} {complaint}: add the missing file or remove this one.' for case in cases]
