"""The steps of a workflow: what each writes, the command that does the same, the record that a rerun compares."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmint.errors import UserError
from segmint.outputs import check_target, read_json, write_json

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


def open_folder(
    out: Path, settings: Mapping[str, Any], *, resume: bool, overwrite: bool, inputs: Iterable[Path] = ()
) -> None:
    """Make the workflow's folder, or go on with it: a resumed workflow must be the one that was begun.

    Raises:
        UserError: `out` exists and is neither to be resumed nor overwritten, holds something else, was begun with other
            settings, or cannot be written.
    """
    begun = out / RECORD
    if begun.is_file() and not resume and not overwrite:
        raise UserError(
            f"{out} holds the steps of an earlier call: pass --resume to go on with it, --overwrite to start anew, or"
            " choose another --out."
        )
    if begun.is_file() and resume:
        before = read_json(begun).get("settings", {})
        for key, now in settings.items():
            # What earlier versions did not record they could not choose either.
            if key in before and before[key] != now:
                raise UserError(
                    f"{out} was begun with {key.replace('_', ' ')} {before.get(key)}, now it is {now}: resume with the"
                    " command that began it, or choose another --out."
                )
        return
    check_target(out, overwrite=overwrite, inputs=inputs)
    try:
        if overwrite:
            _clear_away(out)
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror}): choose another --out.") from error


def _clear_away(out: Path) -> None:
    """Take away an old output; only one that this program wrote, or nothing, may be lost with a whole folder."""
    import shutil
    import uuid

    if not out.exists():
        return
    if not (out / RECORD).is_file():
        raise UserError(f"{out} was not written by segmint run or demo and is left alone: choose another --out.")
    old = out.with_name(f".{out.name}.old-{uuid.uuid4().hex[:8]}")
    out.rename(old)
    shutil.rmtree(old, ignore_errors=True)


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
