"""The steps of a workflow: what each writes, the command that does the same, the record that a rerun compares."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmint.errors import UserError
from segmint.locks import is_empty
from segmint.outputs import check_target, opened_folder, read_object, write_json

RECORD = "steps.json"


@dataclass(frozen=True)
class Step:
    """One step: its name in words, the folder or file it writes inside the workflow's folder, and its command."""

    name: str
    folder: str
    command: str


def command(*words: object, **options: object) -> str:
    """A `segmint` command line, quoted for a shell; options that are None or False are left out, True is a bare flag.

    Mappings become repeated `--name key=value`; sequences one comma-separated value.
    """
    parts = ["segmint", *(str(word) for word in words)]
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            parts.append(flag)
        elif isinstance(value, Mapping):
            for key, each in value.items():
                parts += [flag, f"{key}={each}"]
        elif isinstance(value, list | tuple):
            parts += [flag, ",".join(str(each) for each in value)]
        else:
            parts += [flag, f"{value:g}" if isinstance(value, float) else str(value)]
    return shlex.join(parts)


@contextmanager
def opened_workflow(
    out: Path, settings: Mapping[str, Any], *, verb: str, resume: bool, overwrite: bool, inputs: Iterable[Path] = ()
) -> Iterator[None]:
    """Hold the workflow's folder, made or gone on with: a resumed workflow must be the one that was begun.

    Raises:
        UserError: `out` exists and is neither to be resumed nor overwritten, holds something else, was begun with other
            settings, cannot be written, or is written by another process.
    """
    _check(out, settings, resume=resume, overwrite=overwrite, inputs=inputs)
    with opened_folder(out, overwrite=overwrite and not resume):
        # Another process may have been there since.
        _check(out, settings, resume=resume, overwrite=False, inputs=inputs)
        if not (out / RECORD).exists():
            write_record(out, verb=verb, demonstration=verb == "demo", recipe="", why="", settings=settings, steps=[])
        yield


def _check(out: Path, settings: Mapping[str, Any], *, resume: bool, overwrite: bool, inputs: Iterable[Path]) -> None:
    begun = out / RECORD
    if begun.is_file() and not resume and not overwrite:
        raise UserError(
            f"{out} holds the steps of an earlier call: pass --resume to go on with it, --overwrite to start anew, or"
            " choose another --out."
        )
    if begun.is_file() and resume:
        before = read_object(begun).get("settings", {})
        for key, now in settings.items():
            # What earlier versions did not record they could not choose either.
            if key in before and before[key] != now:
                raise UserError(
                    f"{out} was begun with {key.replace('_', ' ')} {before.get(key)}, now it is {now}: resume with the"
                    " command that began it, or choose another --out."
                )
        return
    check_target(out, overwrite=overwrite, inputs=inputs)
    # Only what this program wrote, or nothing, may be lost with a whole folder.
    if overwrite and os.path.lexists(out) and not is_empty(out) and not begun.is_file():
        raise UserError(f"{out} was not written by segmint run or demo and is left alone: choose another --out.")


def write_record(
    out: Path, *, verb: str, demonstration: bool, recipe: str, why: str, settings: Mapping[str, Any], steps: list[Step]
) -> None:
    """Write `steps.json`."""
    write_json(
        out / RECORD,
        {
            "format": 1,
            "verb": verb,
            "demonstration": demonstration,
            "recipe": recipe,
            "why": why,
            "settings": dict(settings),
            "steps": [{"name": step.name, "folder": step.folder, "command": step.command} for step in steps],
        },
    )
