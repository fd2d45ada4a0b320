"""What all phantoms share: one drawn case, checked arguments, and a dataset written subject by subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmint.data.split import make_split
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.outputs import staged_folder

LICENCE = "CC0-1.0"
MOST_SUBJECTS = 9999


@dataclass(frozen=True)
class Drawn:
    """One drawn picture or volume."""

    image: NDArray[np.uint8] | NDArray[np.float32]
    """[channel, *spatial], in stored units."""
    label: NDArray[np.uint8]
    """[*spatial] ids."""
    conditions: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    """Further label maps [*spatial] by name."""


def check_range(kind: str, name: str, value: int, low: int, high: int) -> None:
    """Refuse an argument outside `low` to `high`.

    Raises:
        UserError: it is outside.
    """
    if not low <= value <= high:
        article = "An" if kind[0] in "aeiou" else "A"
        raise UserError(
            f"{article} {kind} phantom cannot be drawn with {name} {value}: give {name} from {low} to {high}."
        )


def check_subject(kind: str, *, seed: int, subject: int) -> None:
    """Refuse a seed or a number of subject that no generator takes.

    Raises:
        UserError: one is negative or too large.
    """
    check_range(kind, "seed", seed, 0, 2**63 - 1)
    check_range(kind, "subject", subject, 0, 2**31 - 1)


def subject_streams(seed: int, subject: int, count: int) -> list[np.random.Generator]:
    """Generators of one subject, independent of each other and of those of every other (seed, subject)."""
    return [np.random.default_rng(stream) for stream in np.random.SeedSequence((seed, subject)).spawn(count)]


def write_subjects(
    out: Path,
    *,
    kind: str,
    subjects: int,
    seed: int,
    overwrite: bool,
    noun: str = "subject",
    channel_names: Sequence[str],
    label_names: Sequence[str],
    file_ending: str,
    rgb: bool = False,
    conditions: Mapping[str, Sequence[str]] | None = None,
    add: Callable[[DatasetWriter, int, str], None],
) -> Path:
    """Write a dataset of drawn subjects, a split of them into 70 / 10 / 20 percent, and the licence CC0-1.0.

    Args:
        out: folder of the new dataset.
        subjects: how many, 3 (one for each part of the split) to 9999.
        seed: of the split, not negative.
        overwrite: replace what is at `out`.
        noun: what a subject is called in the names.
        add: is given the writer, the subject's number (from 1) and its name, and adds the subject's cases.

    Returns:
        `out`.

    Raises:
        UserError: an argument is out of its range, or `out` exists or cannot be written.
    """
    check_range(kind, "subjects", subjects, 3, MOST_SUBJECTS)
    check_range(kind, "seed", seed, 0, 2**63 - 1)
    names = [f"{noun}_{number:03d}" for number in range(1, subjects + 1)]
    with staged_folder(Path(out), overwrite=overwrite) as folder:
        writer = DatasetWriter(
            folder,
            name=f"{kind}-phantom",
            channel_names=channel_names,
            label_names=label_names,
            file_ending=file_ending,
            licence=LICENCE,
            rgb=rgb,
            conditions=dict(conditions or {}),
        )
        for number, name in enumerate(names, start=1):
            add(writer, number, name)
        writer.finish(split=make_split(names, seed=seed))
    return Path(out)
