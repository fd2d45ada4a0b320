"""The folder of a trial: in place while it runs, locked, and gone on with by the same command."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from segmint.errors import UserError
from segmint.outputs import check_target, locked, read_json, refuse_inputs, write_json

SETTINGS = "settings.json"


@contextmanager
def opened_trial_folder(
    out: Path, settings: Mapping[str, Any], *, overwrite: bool, what: str = "trial", inputs: Iterable[Path] = ()
) -> Iterator[Path]:
    """Hold the folder of a trial; a folder that holds the same trial already is gone on with.

    A trial may not grow: its arms and seeds are settings too, since adding seeds until a difference shows would make
    any interval too narrow.

    Args:
        out: the folder, made where it is absent; settings: JSON-able, all that decides the result.
        overwrite: start afresh even if something is there.
        what: the folder's kind, for messages.
        inputs: what is read meanwhile, which is never cleared away.

    Raises:
        UserError: the folder holds another trial or something else, is in use, or cannot be written.
    """
    settings = check_trial_folder(out, settings, overwrite=overwrite, what=what, inputs=inputs)
    try:
        if overwrite:
            _clear(out)
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror}): choose another --out.") from error
    with locked(out):
        if not (out / SETTINGS).exists():
            write_json(out / SETTINGS, settings)
        yield out


def check_trial_folder(
    out: Path, settings: Mapping[str, Any], *, overwrite: bool, what: str = "trial", inputs: Iterable[Path] = ()
) -> dict[str, Any]:
    """Whether `opened_trial_folder` would open it, without touching it; the settings as they are stored.

    Raises:
        UserError: it would not.
    """
    stored = {"kind": what, **json.loads(json.dumps(settings))}
    if not overwrite:
        _check(out, stored, what)
    refuse_inputs(out, inputs)
    return stored


def begun_with(out: Path) -> dict[str, Any]:
    """The settings of the trial that was begun at `out`; empty where none was."""
    return dict(read_json(out / SETTINGS)) if (out / SETTINGS).is_file() else {}


def again(*, overwrite: bool) -> str:
    """How to go on with what was stopped."""
    return "the same command without --overwrite" if overwrite else "the same command again"


def _clear(out: Path) -> None:
    """Take away what stands at `out`; a trial that is running there keeps it."""
    if out.is_dir() and not out.is_symlink():
        if any(out.iterdir()):
            with locked(out):
                old = out.with_name(f".{out.name}.old-{uuid.uuid4().hex[:8]}")
                out.rename(old)
            shutil.rmtree(old, ignore_errors=True)
    else:
        out.unlink(missing_ok=True)


def _check(out: Path, settings: Mapping[str, Any], what: str) -> None:
    """Refuse a path that holds anything but this trial, or whatever it is."""
    if not (out / SETTINGS).is_file():
        only_lock = out.is_dir() and {path.name for path in out.iterdir()} == {".lock"}
        if not only_lock:
            check_target(out, overwrite=False)
        return
    # What earlier versions did not record they could not choose either.
    before = {"kind": "trial", **read_json(out / SETTINGS)}
    for key, now in settings.items():
        if key in before and before[key] != now:
            raise UserError(
                f"{out} holds another {what} ({key.replace('_', ' ')}: {_short(before.get(key))} there, {_short(now)} "
                "now): choose another --out, repeat the command that began it, or pass --overwrite."
            )


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
