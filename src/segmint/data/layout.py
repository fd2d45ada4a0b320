"""Finding the files of a dataset and telling everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from segmint.data.conditions import condition_path
from segmint.data.dataset_json import DATASET_JSON_NAME, Description
from segmint.data.formats import find_format
from segmint.data.image_folder import channel_numbers, complete_cases, stems_of
from segmint.errors import UserError

UNLABELLED = "imagesUnlabelled"


@dataclass(frozen=True)
class FoundCase:
    """Files of one case that is complete; an image of imagesUnlabelled has no label."""

    id: str
    images: tuple[Path, ...]
    label: Path | None
    conditions: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What is there.

    Args:
        file_ending: The one ending of the dataset.
        cases: Complete cases, sorted by id.
        packed: Every case has all its channels in one file (RGB, or the Decathlon's 4-D NIfTI).
        problems: One sentence for each thing that is wrong.
        unlabelled: Complete images without label maps, sorted by id.
    """

    file_ending: str
    cases: tuple[FoundCase, ...]
    packed: bool
    problems: tuple[str, ...]
    unlabelled: tuple[FoundCase, ...] = ()


def find_cases(folder: Path, description: Description, *, conditions: Sequence[str] = ()) -> Found:
    """Find the training pairs of a dataset, listed in `dataset.json` or lying in `imagesTr` and `labelsTr`, and its images in
    `imagesUnlabelled`.

    Args:
        folder: The dataset.
        description: Its dataset.json.
        conditions: Names of the condition maps that every case must have.
    """
    listed = description.pairs is not None
    found = _listed_cases(folder, description) if listed else _folder_cases(folder, description)
    found = _with_unlabelled(folder, description, found)
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


def _with_unlabelled(folder: Path, description: Description, found: Found) -> Found:
    """The same with the images that have no label map."""
    problems = list(found.problems)
    images: dict[str, tuple[Path, ...]] = {}
    where = folder / UNLABELLED
    if description.unlabelled is not None:
        images = {case: tuple(folder / one for one in files) for case, files in sorted(description.unlabelled.items())}
        absent = [path for files in images.values() for path in files if not path.is_file()]
        if absent:
            problems.append(
                f"{folder / DATASET_JSON_NAME} lists {absent[0]}, which does not exist: restore the file or remove the entry."
            )
            images = {case: files for case, files in images.items() if not set(files) & set(absent)}
    elif where.is_dir():
        ending = found.file_ending
        numbers = channel_numbers(where, ending, problems)
        names = description.channel_names
        images = complete_cases(where, ending, numbers, names=names, packed=found.packed, problems=problems)
    both = sorted(set(images) & {case.id for case in found.cases})
    if both:
        problems.append(
            f'The case "{both[0]}" lies in {where} and has a mask too: remove it there, or give it another name if it is another'
            " image."
        )
    unlabelled = tuple(FoundCase(case, files, None) for case, files in images.items() if case not in both)
    return replace(found, unlabelled=unlabelled, problems=tuple(problems))


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
    ending = description.file_ending
    find_format(ending, where=folder / DATASET_JSON_NAME)
    images_folder, labels_folder = folder / "imagesTr", folder / "labelsTr"
    for needed in (images_folder, labels_folder):
        if not needed.is_dir():
            raise UserError(
                f"{needed} does not exist: an nnU-Net dataset keeps its images in imagesTr, its masks in labelsTr."
            )
    problems: list[str] = []
    numbers = channel_numbers(images_folder, ending, problems)
    label_stems = set(stems_of(labels_folder, ending, problems))
    names = description.channel_names
    packed = len(names) == 3 and ending != ".nii" and ending != ".nii.gz" and all(n == {0} for n in numbers.values())
    complete = complete_cases(images_folder, ending, numbers, names=names, packed=packed, problems=problems)
    problems += _unpaired(images_folder, sorted(set(numbers) - label_stems), f"has no mask in {labels_folder}", "image")
    problems += _unpaired(labels_folder, sorted(label_stems - set(numbers)), f"has no image in {images_folder}", "mask")
    if not numbers and not label_stems and not problems:
        problems.append(f"{images_folder} holds no {ending} files: the dataset is empty.")

    cases = tuple(
        FoundCase(case, images, labels_folder / f"{case}{ending}")
        for case, images in complete.items()
        if case in label_stems
    )
    return Found(ending, cases, packed, tuple(problems))


def _unpaired(folder: Path, cases: Sequence[str], complaint: str, kind: str) -> list[str]:
    return [f'The {kind} "{case}" in {folder} {complaint}: add the missing file or remove this one.' for case in cases]
