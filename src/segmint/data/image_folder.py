"""A folder of images with a file a channel, `CASE_0000.ext` and so on, put together case by case."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from segmint.data.formats import ending_of

_CHANNEL = re.compile(r"^(?P<case>.+)_(?P<channel>\d{4})$")


def stems_of(folder: Path, ending: str, problems: list[str]) -> list[str]:
    """File names without `ending`; image files with another ending are a problem, other files are left alone."""
    stems = []
    others = []
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.name.endswith(ending) and not path.is_file():
            problems.append(f"{path} is no file: remove it.")
        elif path.name.endswith(ending):
            stems.append(path.name[: -len(ending)])
        elif ending_of(path.name) is not None:
            others.append(path.name)
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        problems.append(
            f"{folder / min(others)}{more} does not have the file ending {ending} of dataset.json: a dataset has one file "
            "ending; convert these files or remove them."
        )
    return sorted(stems)


def channel_numbers(folder: Path, ending: str, problems: list[str]) -> dict[str, set[int]]:
    """By case the numbers of its channels; a file without a number is a problem."""
    numbers: dict[str, set[int]] = defaultdict(set)
    for stem in stems_of(folder, ending, problems):
        match = _CHANNEL.match(stem)
        if match is None:
            problems.append(
                f"{folder / (stem + ending)} has no channel number: name it {stem}_0000{ending} (and _0001 ... for further "
                "channels)."
            )
        else:
            numbers[match["case"]].add(int(match["channel"]))
    return numbers


def complete_cases(
    folder: Path,
    ending: str,
    numbers: Mapping[str, set[int]],
    *,
    names: Sequence[str],
    packed: bool,
    problems: list[str],
) -> dict[str, tuple[Path, ...]]:
    """By case, sorted, its files; a case that lacks a channel, or has one too many, is a problem and left out.

    Args:
        names: of the channels, as dataset.json has them.
        packed: one file holds all channels.
    """
    expected = {0} if packed else set(range(len(names)))
    complete = {}
    for case, found in sorted(numbers.items()):
        missing, extra = sorted(expected - found), sorted(found - expected)
        if missing:
            problems.append(
                f"{folder / f'{case}_{missing[0]:04d}{ending}'} is missing: dataset.json names {len(names)} channels "
                f'("{names[missing[0]]}" is number {missing[0]}).'
            )
        elif extra:
            problems.append(
                f"{folder / f'{case}_{extra[0]:04d}{ending}'} is a channel that {folder.parent / 'dataset.json'} does not name: "
                "add it to channel_names or remove the file."
            )
        else:
            complete[case] = tuple(folder / f"{case}_{channel:04d}{ending}" for channel in sorted(expected))
    return complete
