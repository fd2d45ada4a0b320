"""Splitting a dataset by subject, and storing nested smaller training sets."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from segmint.data.dataset import Dataset, open_dataset
from segmint.data.dataset_json import Pair, write_description
from segmint.data.sidecar import SIDECAR_NAME, CaseEntry, Sidecar, read_sidecar, write_sidecar
from segmint.data.slices import SliceRecord
from segmint.data.subjects import PARTS, Split, Subset
from segmint.errors import UserError
from segmint.locks import alone
from segmint.outputs import check_target, read_json, staged_folder
from segmint.seeds import check_seed

FRACTIONS = (0.7, 0.1, 0.2)
_ALIASES = {"training": "train", "val": "validation", "valid": "validation", "testing": "test"}


def make_split(subjects: Sequence[str], *, seed: int, fractions: tuple[float, float, float] = FRACTIONS) -> Split:
    """Deal subjects out at random, the same way for the same seed.

    Every part with a fraction above 0 gets at least one subject.

    Args:
        subjects: All subjects; order and repeats do not matter.
        seed: Of the shuffle.
        fractions: Shares of train, validation and test, adding up to 1.

    Raises:
        UserError: there are fewer subjects than parts, or the fractions do not add up to 1.
    """
    if (
        len(fractions) != 3
        or min(fractions) < 0
        or not math.isclose(sum(fractions), 1.0, abs_tol=1e-6)
        or fractions[0] == 0
    ):
        raise UserError(
            f"The fractions {fractions} must be train, validation and test, add up to 1, and leave some for train."
        )
    names = sorted(set(subjects))
    wanted = sum(fraction > 0 for fraction in fractions)
    if len(names) < wanted:
        raise UserError(
            f"{len(names)} subject{'s' if len(names) != 1 else ''} cannot be split into {wanted} parts without "
            "sharing one: "
            "give more subjects, or tell them apart with --subject when converting."
        )
    sizes = _shares(len(names), fractions)
    shuffled = [names[number] for number in np.random.default_rng(seed).permutation(len(names))]
    train, rest = shuffled[: sizes[0]], shuffled[sizes[0] :]
    return Split(tuple(sorted(train)), tuple(sorted(rest[: sizes[1]])), tuple(sorted(rest[sizes[1] :])))


def _shares(total: int, fractions: tuple[float, ...]) -> list[int]:
    """Whole numbers that add up to `total` (largest remainder), at least 1 where the fraction is above 0."""
    exact = [total * fraction for fraction in fractions]
    sizes = [max(math.floor(one + 1e-9), int(one > 0)) for one in exact]
    while sum(sizes) < total:
        sizes[max(range(len(sizes)), key=lambda part: exact[part] - sizes[part])] += 1
    while sum(sizes) > total:
        sizes[
            max((part for part in range(len(sizes)) if sizes[part] > 1), key=lambda part: sizes[part] - exact[part])
        ] -= 1
    return sizes


def nested_subsets(split: Split, counts: Sequence[int | str], *, seed: int) -> dict[str, Subset]:
    """Smaller training sets, each within the next larger one.

    Args:
        split: Its training subjects are chosen from.
        counts: Numbers of subjects, or "all".
        seed: Of the order in which subjects are taken.

    Returns:
        By name: "10", "all".

    Raises:
        UserError: a count is not a number, below 1, or above the number of training subjects.
    """
    order = [split.train[number] for number in np.random.default_rng([seed, 1]).permutation(len(split.train))]
    subsets = {}
    for count in counts:
        name = str(count).strip()
        if name == "all":
            number = len(order)
        elif name.isdecimal() and 1 <= int(name) <= len(order):
            number = int(name)
            name = str(number)
        else:
            raise UserError(
                f'The subset "{name}" is not possible: give numbers of subjects from 1 to {len(order)}, the training '
                "subjects, "
                'or "all".'
            )
        subsets[name] = Subset(name, tuple(sorted(order[:number])))
    return subsets


def slice_subset(records: Sequence[SliceRecord], *, n: int, seed: int, name: str | None = None) -> Subset:
    """n slices drawn at random; a smaller n with the same seed draws some of the same.

    Args:
        records: Slices to draw from, usually those of the training subjects.
        n: How many.
        seed: Of the order in which they are taken.
        name: Of the subset; "1000-slices" for 1000 by default.

    Raises:
        UserError: there are fewer than n.
    """
    if not 1 <= n <= len(records):
        raise UserError(f"{n} slices cannot be drawn: there are {len(records)}; give a number from 1 to that.")
    ordered = sorted(records, key=lambda record: (record.case, record.slice))
    drawn = [ordered[number] for number in np.random.default_rng([seed, 2]).permutation(len(ordered))[:n]]
    return Subset(
        name or f"{n}-slices",
        tuple(sorted({record.subject for record in drawn})),
        tuple(sorted((record.case, record.slice) for record in drawn)),
    )


def split_from_file(file: Path, dataset: Dataset) -> Split:
    """Read the user's own split: JSON with "train", and if wanted "validation" and "test", each a list of subjects.

    Subjects that it does not name are left out of every part.

    Raises:
        UserError: the file is not that, names an unknown subject, or has one subject in two parts.
    """
    content = read_json(file)
    if not isinstance(content, dict):
        raise UserError(
            f'{file} must hold one JSON object such as {{"train": ["a", "b"], "validation": ["c"], "test": ["d"]}}.'
        )
    parts: dict[str, tuple[str, ...]] = {}
    for key, names in content.items():
        part = _ALIASES.get(key, key)
        if part not in PARTS or part in parts:
            raise UserError(f'{file} has the key "{key}": the parts are train, validation and test, each once.')
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise UserError(f'{file} must list the subjects of "{key}" as strings.')
        parts[part] = tuple(names)
    subject_of = {case.id: case.subject for case in dataset.cases}
    known = set(dataset.subjects)
    for part, names in parts.items():
        for name in names:
            if name in known:
                continue
            hint = f'it is a case of the subject "{subject_of[name]}"' if name in subject_of else "check the spelling"
            raise UserError(f'{file} puts "{name}" in {part}, but {dataset.root} has no such subject: {hint}.')
    try:
        return Split(**parts)
    except (TypeError, ValueError) as error:
        reason = "it names no train" if isinstance(error, TypeError) else str(error)
        raise UserError(f"{file} is no split by subject ({reason}): put every subject in one part only.") from error


def write_split(
    folder: Path, split: Split | None, subsets: Mapping[str, Subset] | None = None, *, overwrite: bool = False
) -> None:
    """Store a split and subsets in the dataset's segmint.json, which is made where there is none.

    Args:
        folder: The dataset.
        split: None keeps the stored one.
        subsets: Added to the stored ones; all stored ones go when the split changes.
        overwrite: A stored split that differs, or a stored subset of the same name, may be replaced.

    Raises:
        UserError: something is stored already, or the folder cannot be written.
    """
    _store(folder, _sidecar_of(open_dataset(folder)), split, subsets or {}, overwrite=overwrite)


def _store(
    folder: Path, stored: Sidecar, split: Split | None, subsets: Mapping[str, Subset], *, overwrite: bool
) -> None:
    path = folder / SIDECAR_NAME
    changed = split is not None and split != stored.split
    if changed and stored.split is not None and not overwrite:
        raise UserError(f"{path} holds a split already: pass --overwrite to replace it, or give another --out.")
    kept = {} if changed else dict(stored.subsets)
    clashing = sorted(name for name, subset in subsets.items() if name in kept and kept[name] != subset)
    if clashing and not overwrite:
        raise UserError(f'{path} holds a subset "{clashing[0]}" already: pass --overwrite to replace it.')
    updated = stored.model_copy(update={"split": split or stored.split, "subsets": {**kept, **subsets}})
    try:
        write_sidecar(folder, updated)
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}): name a folder of your own with --out."
        ) from error


def split_dataset(
    path: Path | str,
    *,
    seed: int = 0,
    subsets: Sequence[int | str] = (),
    file: Path | str | None = None,
    subject: str | None = None,
    fractions: tuple[float, float, float] | None = None,
    out: Path | str | None = None,
    overwrite: bool = False,
) -> Dataset:
    """Split a dataset by subject and store the split in its segmint.json.

    Args:
        path: The dataset.
        seed: Of the split and of the subsets.
        subsets: Nested training sets to store: numbers of subjects, or "all".
        file: The user's own split (JSON) instead of a random one.
        subject: Regular expression that finds the subject in every case id (its first group, else the whole match) and
            is recorded; for datasets that know only case ids.
        fractions: Shares of train, validation and test of a random split, 0.7, 0.1 and 0.2 by default; refused where the
            split is not dealt out.
        out: Write a new dataset folder there that points to the files of `path`, which stays untouched. For datasets in
            folders that cannot or should not be written.
        overwrite: Replace a stored split, or an existing `out`.

    Returns:
        The dataset, reopened with its split. Without `file`, a stored split is kept when only subsets are asked for.

    Raises:
        UserError: fractions where no split is dealt out, a wrong seed; and see `make_split`, `nested_subsets`, `split_from_file`
            and `write_split`.
    """
    check_seed(seed)
    plan = partial(
        _planned, path, seed=seed, subsets=subsets, file=file, subject=subject, fractions=fractions, overwrite=overwrite
    )
    if out is None:
        # What is stored there is read and written anew.
        with alone(open_dataset(path).root / SIDECAR_NAME):
            dataset, sidecar, split, chosen = plan(in_place=True)
            _store(dataset.root, sidecar, split, chosen, overwrite=overwrite)
        return open_dataset(dataset.root)
    check_target(Path(out), overwrite=overwrite, inputs=[Path(path)])
    dataset, sidecar, split, chosen = plan(in_place=False)
    with staged_folder(Path(out), overwrite=overwrite) as staging:
        _write_pointing(dataset, staging, Path(out))
        write_sidecar(staging, sidecar.model_copy(update={"split": split, "subsets": chosen}))
    return open_dataset(Path(out))


def _planned(
    path: Path | str,
    *,
    seed: int,
    subsets: Sequence[int | str],
    file: Path | str | None,
    subject: str | None,
    fractions: tuple[float, float, float] | None,
    overwrite: bool,
    in_place: bool,
) -> tuple[Dataset, Sidecar, Split, dict[str, Subset]]:
    """The dataset with its subjects, and the split and subsets that are to be stored."""
    dataset = open_dataset(path)
    sidecar = _sidecar_of(dataset)
    if subject is not None:
        sidecar = _with_subjects(sidecar, dataset, subject, overwrite=overwrite or not in_place)
        cases = tuple(replace(case, subject=sidecar.cases[case.id].subject) for case in dataset.cases)
        dataset = replace(dataset, cases=cases, split=sidecar.split)
    kept = dataset.split if subsets and not overwrite else None
    if file is not None:
        if fractions is not None:
            raise UserError(
                f"--fractions are for a random split, but --file {file} gives one: leave out one of the two."
            )
        split = split_from_file(Path(file), dataset)
    elif kept is not None:
        if fractions is not None:
            raise UserError(
                f"--fractions are for a new split, but {dataset.root} has one, which --subsets keeps: leave them out, or "
                "pass --overwrite to split anew."
            )
        split = kept
    else:
        split = make_split(dataset.subjects, seed=seed, fractions=FRACTIONS if fractions is None else fractions)
    return dataset, sidecar, split, nested_subsets(split, subsets, seed=seed)


def _write_pointing(dataset: Dataset, staging: Path, out: Path) -> None:
    """A dataset folder whose dataset.json lists the files of another folder, relative to its own place."""

    def pointer(target: Path) -> str:
        return Path(os.path.relpath(target.resolve(), out.resolve())).as_posix()

    pairs = {
        case.id: Pair(
            tuple(pointer(image) for image in case.image_paths),
            pointer(case.label_path),
            {name: pointer(path) for name, path in case.condition_paths.items()},
        )
        for case in dataset.cases
        if case.label_path is not None
    }
    write_description(
        staging,
        name=dataset.name,
        channel_names=dataset.channel_names,
        label_names=dataset.label_names,
        file_ending=dataset.file_ending,
        training_cases=len(pairs),
        licence=dataset.licence,
        pairs=pairs,
        unlabelled={case.id: tuple(pointer(image) for image in case.image_paths) for case in dataset.unlabelled},
    )


def _sidecar_of(dataset: Dataset) -> Sidecar:
    """The stored sidecar, or one that says what is true without it."""
    stored = read_sidecar(dataset.root)
    if stored is not None:
        return stored
    return Sidecar(cases={case.id: CaseEntry(subject=case.subject) for case in dataset.cases}, licence=dataset.licence)


def _with_subjects(sidecar: Sidecar, dataset: Dataset, expression: str, *, overwrite: bool) -> Sidecar:
    """The sidecar with every case's subject found in its id; a split by the old subjects goes."""
    silent = {case.id: CaseEntry(subject=case.id) for case in dataset.unlabelled}
    cases = {case: _with_subject(case, entry, expression) for case, entry in sidecar.cases.items()}
    unlabelled = {
        case: _with_subject(case, entry, expression) for case, entry in {**silent, **sidecar.unlabelled}.items()
    }
    if cases == sidecar.cases:
        return sidecar.model_copy(update={"subject_kind": "subject", "unlabelled": unlabelled})
    if sidecar.split is not None and not overwrite:
        raise UserError(
            "The dataset is split by other subjects already: pass --overwrite to replace subjects and split."
        )
    return sidecar.model_copy(
        update={
            "cases": cases,
            "unlabelled": unlabelled,
            "split": None,
            "subsets": {},
            "subject_kind": "subject",
        }
    )


def _with_subject(case: str, entry: CaseEntry, expression: str) -> CaseEntry:
    try:
        match = re.search(expression, case)
    except re.error as error:
        raise UserError(f'The expression "{expression}" of --subject is not valid ({error}).') from error
    found = match and (match[1] if match.re.groups else match[0])
    if not found:
        raise UserError(f'The expression "{expression}" of --subject finds no subject in the case "{case}": change it.')
    return entry.model_copy(update={"subject": str(found)})
