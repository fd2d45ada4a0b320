"""`dataset.json`, of nnU-Net v2 and of the older Medical Segmentation Decathlon, read into one description."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from segmint.data.formats import ending_of
from segmint.data.sidecar import SIDECAR_NAME, first_complaint
from segmint.errors import UserError
from segmint.outputs import read_json, write_json

DATASET_JSON_NAME = "dataset.json"
# Cases name the files of what is made of them.
FILE_NAME = r"[^./\\\x00-\x1f][^/\\\x00-\x1f]*"


@dataclass(frozen=True)
class Pair:
    """One training pair as listed by a `dataset.json`, paths as written there."""

    images: tuple[str, ...]
    label: str
    conditions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Description:
    """What a `dataset.json` says.

    Args:
        name: Name given there, if any.
        channel_names: In channel order.
        label_names: Index = id; 0 is background.
        file_ending: Known ending; None where only a list of files tells it.
        licence: As written.
        pairs: Case id -> files, where the file lists them; None where the folders do.
        unlabelled: Case id -> images without a label map, where the file lists them; None where imagesUnlabelled does.
        label_values: What label maps hold for each id, where that may be other than the id itself; empty elsewhere.
        multichannel_files: One file may hold all channels along its last axis (the Decathlon's 4-D NIfTI).
        sidecar: It was written with a segmint.json beside it, without which it would be another dataset.
    """

    name: str | None
    channel_names: tuple[str, ...]
    label_names: tuple[str, ...]
    file_ending: str | None
    licence: str | None
    pairs: Mapping[str, Pair] | None
    multichannel_files: bool
    sidecar: bool = False
    unlabelled: Mapping[str, tuple[str, ...]] | None = None
    label_values: tuple[int, ...] = ()


class _ListedFiles(BaseModel):
    images: list[str]
    label: str
    conditions: dict[str, str] = Field(default_factory=dict)  # nnU-Net knows no such key, and leaves it alone


class _ListedImages(BaseModel):
    images: list[str]


class _NnunetJson(BaseModel):
    """nnU-Net v2, documentation/dataset_format.md. Keys beyond these are allowed and left alone."""

    model_config = ConfigDict(extra="allow")

    channel_names: dict[str, str]
    labels: dict[str, int | list[int]]
    file_ending: str
    name: str | None = None
    licence: str | None = None
    license: str | None = None
    dataset: dict[str, _ListedFiles] | None = None
    unlabelled: dict[str, _ListedImages] | None = None  # ours, as above
    sidecar: str | None = None  # ours too


class _OldPair(BaseModel):
    image: str
    label: str


class _DecathlonJson(BaseModel):
    """Medical Segmentation Decathlon, as its archives hold it."""

    model_config = ConfigDict(extra="allow")

    modality: dict[str, str]
    labels: dict[str, str]
    training: list[_OldPair]
    name: str | None = None
    licence: str | None = None
    license: str | None = None


def read_description(folder: Path, *, gaps: bool = False) -> Description:
    """Read and check `folder/dataset.json`.

    Args:
        gaps: label ids may have gaps between them, as 0, 2, 5; `label_values` tells of them.

    Raises:
        UserError: the folder or the file is missing, or the file does not hold what it should.
    """
    if not folder.exists():
        raise UserError(f"{folder} does not exist: give the folder of a dataset.")
    if not folder.is_dir():
        raise UserError(f"{folder} is a file: give the folder of a dataset, the one that holds {DATASET_JSON_NAME}.")
    path = folder / DATASET_JSON_NAME
    if not path.exists():
        raise UserError(
            f"{folder} has no {DATASET_JSON_NAME}, so it is no nnU-Net dataset: make one of your images and masks with "
            "`segmint data convert folders`."
        )
    content = read_json(path)
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold one JSON object with channel_names, labels and file_ending.")
    try:
        if "modality" in content and "channel_names" not in content:
            return _from_decathlon(path, _DecathlonJson.model_validate(content))
        return _from_nnunet(path, _NnunetJson.model_validate(content), gaps=gaps)
    except ValidationError as error:
        raise UserError(f"{path} is not valid: {first_complaint(error)}; mend that entry.") from error


def write_description(
    folder: Path,
    *,
    name: str,
    channel_names: tuple[str, ...],
    label_names: tuple[str, ...],
    file_ending: str,
    training_cases: int,
    licence: str | None = None,
    pairs: Mapping[str, Pair] | None = None,
    unlabelled: Mapping[str, tuple[str, ...]] | None = None,
    sidecar: bool = True,
) -> None:
    """Write `folder/dataset.json` in the nnU-Net v2 form.

    Args:
        sidecar: a segmint.json belongs to it, which it names, so that nobody takes it for whole when that is lost.
    """
    content: dict[str, Any] = {
        "name": name,
        "channel_names": {str(number): channel for number, channel in enumerate(channel_names)},
        "labels": {label: number for number, label in enumerate(label_names)},
        "numTraining": training_cases,
        "file_ending": file_ending,
    }
    if sidecar:
        content["sidecar"] = SIDECAR_NAME
    if licence is not None:
        content["licence"] = licence
    if pairs is not None:
        content["dataset"] = {case: _listed(pair) for case, pair in pairs.items()}
    if unlabelled:
        content["unlabelled"] = {case: {"images": list(images)} for case, images in unlabelled.items()}
    write_json(folder / DATASET_JSON_NAME, content)


def _listed(pair: Pair) -> dict[str, Any]:
    files: dict[str, Any] = {"images": list(pair.images), "label": pair.label}
    return {**files, "conditions": dict(pair.conditions)} if pair.conditions else files


def _from_nnunet(path: Path, content: _NnunetJson, *, gaps: bool) -> Description:
    ending = content.file_ending if content.file_ending.startswith(".") else f".{content.file_ending}"
    pairs = None
    for case in (*(content.dataset or ()), *(content.unlabelled or ())):
        if re.fullmatch(FILE_NAME, case) is None:
            raise UserError(
                f'{path} lists the case "{case}", which cannot be part of a file\'s name: give it another one.'
            )
    if content.dataset is not None:
        pairs = {
            case: Pair(tuple(files.images), files.label, files.conditions) for case, files in content.dataset.items()
        }
    named = _label_names(path, content.labels, gaps=gaps)
    return Description(
        name=content.name,
        channel_names=_numbered(path, "channel_names", content.channel_names),
        label_names=_unique(path, named),
        label_values=tuple(named) if gaps else (),
        file_ending=ending,
        licence=content.licence or content.license,
        pairs=pairs,
        multichannel_files=False,
        sidecar=content.sidecar is not None,
        unlabelled=None
        if content.unlabelled is None
        else {case: tuple(files.images) for case, files in content.unlabelled.items()},
    )


def _from_decathlon(path: Path, content: _DecathlonJson) -> Description:
    pairs: dict[str, Pair] = {}
    endings = set()
    for pair in content.training:
        ending = ending_of(pair.image)
        if ending is None:
            raise UserError(f'{path} lists "{pair.image}", whose file ending is not known: it must be NIfTI.')
        endings.add(ending)
        case = Path(pair.image).name[: -len(ending)]
        if case in pairs:
            raise UserError(f'{path} lists the case "{case}" twice: remove one of the two entries.')
        pairs[case] = Pair((pair.image,), pair.label)
    if len(endings) > 1:
        raise UserError(f"{path} lists files with the endings {' and '.join(sorted(endings))}: keep to one of them.")
    return Description(
        name=content.name,
        channel_names=_numbered(path, "modality", content.modality),
        label_names=_unique(path, dict(enumerate(_numbered(path, "labels", content.labels)))),
        file_ending=next(iter(endings), None),
        licence=content.licence or content.license,
        pairs=pairs,
        multichannel_files=True,
    )


def _numbered(path: Path, key: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """Values of {"0": a, "1": b, ...} in order."""
    expected = [str(number) for number in range(len(names))]
    if not names or sorted(names) != sorted(expected):
        raise UserError(
            f'{path} numbers "{key}" {", ".join(names) or "not at all"}: number them 0, 1, 2, ... without gaps.'
        )
    return tuple(names[number] for number in expected)


def _label_names(path: Path, labels: Mapping[str, int | list[int]], *, gaps: bool) -> dict[int, str]:
    """Name of every id, ascending. A region (a list of ids) names an id if it is the smallest region that holds it."""
    if "ignore" in labels:
        raise UserError(
            f'{path} has an "ignore" label, which segmint cannot train with: label those pixels, or leave those cases '
            "out."
        )
    sizes: dict[int, tuple[int, str]] = {}
    for name, value in labels.items():
        ids = value if isinstance(value, list) else [value]
        for number in ids:
            known = sizes.get(number)
            if known is not None and known[0] == len(ids):
                raise UserError(
                    f'{path} gives the id {number} to both "{known[1]}" and "{name}": give each label its own id.'
                )
            if known is None or len(ids) < known[0]:
                sizes[number] = (len(ids), name)
    ids = sorted(sizes)
    if len(ids) < 2 or ids[0] != 0 or not (gaps or ids == list(range(len(ids)))):
        mend = (
            f": `segmint data convert nnunet {path.parent} --out D` numbers them anew"
            if len(ids) > 1 and ids[0] == 0
            else ""
        )
        raise UserError(
            f"{path} has the label ids {', '.join(map(str, ids)) or 'none'}: they must run 0 (background), 1, 2, ... "
            f"without gaps, with at least one label beside the background{mend}."
        )
    if len(ids) > 256:
        raise UserError(f"{path} has {len(ids)} labels: at most 256, background included, can be stored in 8 bits.")
    return {number: sizes[number][1] for number in ids}


def _unique(path: Path, named: Mapping[int, str]) -> tuple[str, ...]:
    """Label names in the order of their ids; ids of one name, such as those of a region, get their number: "core 2", "core 3"."""
    names = list(named.values())
    unique = tuple(f"{name} {number}" if number and names.count(name) > 1 else name for number, name in named.items())
    for name in unique:
        if unique.count(name) > 1:
            raise UserError(
                f'{path} has a label "{name}" and several ids named "{name.rpartition(" ")[0]}", of which one would be '
                f'called "{name}" too: rename one of the two.'
            )
    return unique
