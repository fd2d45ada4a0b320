"""Generators of one trial taken for another of the same subjects, which asks something else of their pairs.

What segmenters learn with (augmentation, steps, arms, shares of the gate) says nothing of how generators are trained, and
a training takes longer than all else.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from segmint.errors import UserError
from segmint.evaluation.generator import RUN
from segmint.evaluation.trial_folder import begun_with, opened_trial_folder
from segmint.outputs import staged_folder
from segmint.training.run_folder import RunFolder

FLAG = "--generators-of"
# What decides who is learned from, and how: all must be as it was.
_SHARED = ("dataset", "split", "folds", "subset", "real_slices", "size", "axis")
_PLACE = re.compile(rf"(fold\d+/)?(generators/seed(?P<seed>\d+)|gate/fold\d+/generator)/{RUN}")


@contextmanager
def opened_with_generators(
    source: Path | None,
    out: Path,
    settings: Mapping[str, Any],
    *,
    overwrite: bool,
    inputs: Iterable[Path],
    console: Console,
) -> Iterator[Path]:
    """As `opened_trial_folder`, after which the finished generators of the trial in `source`, if any, lie in `out`.

    Those that `out` has begun already stay; those that are not finished in `source` are trained.

    Raises:
        UserError: that trial's generators are not those that one of these settings would train, or none is finished.
    """
    if source is not None:
        _check_source(source, settings, out)
    with opened_trial_folder(out, settings, overwrite=overwrite, inputs=inputs):
        if source is not None:
            taken = _take(source, out, settings)
            console.print(f"{len(taken)} generators taken from {source}", highlight=False)
        yield out


def _check_source(source: Path, settings: Mapping[str, Any], out: Path) -> None:
    if not source.is_dir():
        raise UserError(f"{FLAG} {source}: there is no such folder; give that of a trial.")
    there = begun_with(source)
    if there.get("kind") != "trial" or not there.get("generator"):
        raise UserError(f"{FLAG} {source}: it holds no trial that trains generators (segmint trial --recipe).")
    if source.resolve() == out.resolve():
        raise UserError(f"{FLAG} {source}: it is this trial itself, which goes on anyway: leave the flag out.")
    now, before = _decisive(settings), _decisive(there)
    differing = [name for name in sorted({*now, *before}) if now.get(name) != before.get(name)]
    if differing:
        raise UserError(
            f"{FLAG} {source}: its generators are others, by {', '.join(differing)}: leave the flag out to train them here."
        )
    if not _finished(source, settings):
        raise UserError(
            f"{FLAG} {source}: none of its generators that this trial needs is finished: leave the flag out."
        )


def _take(source: Path, out: Path, settings: Mapping[str, Any]) -> list[Path]:
    """Copy the finished runs that are needed and lacking."""
    places = [place for place in _finished(source, settings) if not (out / place).exists()]
    for place in places:
        (out / place).parent.mkdir(parents=True, exist_ok=True)
        with staged_folder(out / place) as staging:
            shutil.copytree(source / place, staging, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".lock"))
    return places


def _decisive(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the generators follow from, in words; how many there are does not change any of them."""
    stored = json.loads(json.dumps(settings))
    shared = {name.replace("_", " "): stored.get(name) for name in _SHARED}
    return shared | {f"generator's {name}": value for name, value in stored["generator"].items() if name != "seeds"}


def _finished(source: Path, settings: Mapping[str, Any]) -> list[Path]:
    """Where, inside `source`, finished runs lie that are needed."""
    there, gate = begun_with(source), settings.get("gate") or {}
    same_folds = bool(gate) and gate["folds"] == (there.get("gate") or {}).get("folds")
    found = []
    for path in sorted(source.glob(f"**/{RUN}/state.json")):
        place = path.parent.relative_to(source)
        match = _PLACE.fullmatch(place.as_posix())
        if match is None or RunFolder(path.parent).status != "done":
            continue
        seed = match["seed"]
        if same_folds if seed is None else int(seed) < settings["generator"]["seeds"]:
            found.append(place)
    return found
