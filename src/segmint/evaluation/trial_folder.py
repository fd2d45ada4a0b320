"""The folder of a trial: in place while it runs, locked, and gone on with by the same command."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from segmint.errors import UserError
from segmint.evaluation.arms import parse_arms
from segmint.evaluation.primary import default_primary
from segmint.outputs import check_target, opened_folder, read_object, refuse_inputs, write_json
from segmint.training.run_folder import RunFolder

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
    with opened_folder(out, overwrite=overwrite):
        # Another process may have been there since.
        _check(out, settings, what)
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
    return read_object(out / SETTINGS) if (out / SETTINGS).is_file() else {}


def begun_capacity(out: Path) -> str | None:
    """Width of the segmenters of the trial that was begun at `out`; None where none was, or none has been trained.

    Earlier versions did not record it among the settings: there the segmenters themselves tell.

    Raises:
        UserError: there are segmenters of both widths.
    """
    settings = begun_with(out)
    if not settings or settings.get("segmenter_capacity") is not None:
        return settings.get("segmenter_capacity")
    folders = [path.parent for path in out.glob("**/cells/*/config.json")] or [out / "training"]
    trained = [folder for folder in folders if (folder / "result.json").is_file()] or folders
    found = {RunFolder(folder).config.get("capacity") for folder in trained if (folder / "config.json").is_file()}
    if len(found) > 1:
        raise UserError(
            f"{out} holds segmenters of both capacities, {' and '.join(sorted(map(str, found)))}, trained on different machines by"
            " an earlier version, which cannot be compared: choose another --out, or pass --overwrite."
        )
    return found.pop() if found else None


def again(*, overwrite: bool) -> str:
    """How to go on with what was stopped."""
    return "the same command without --overwrite" if overwrite else "the same command again"


def _check(out: Path, settings: Mapping[str, Any], what: str) -> None:
    """Refuse a path that holds anything but this trial, or whatever it is."""
    if not (out / SETTINGS).is_file():
        check_target(out, overwrite=False)
        return
    # What earlier versions did not record they could not choose either.
    before = {**_unrecorded(out, settings), **read_object(out / SETTINGS)}
    for key, now in settings.items():
        if key in before and before[key] != now:
            raise UserError(
                f"{out} holds another {what} ({key.replace('_', ' ')}: {_short(before.get(key))} there, {_short(now)} "
                "now): choose another --out, repeat the command that began it, or pass --overwrite."
            )


def _unrecorded(out: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What settings of earlier versions lack, as those versions had it, where it can be chosen now."""
    found: dict[str, Any] = {
        "kind": "trial",
        "segmenter": "unet",
        "segmenter_preset": "repaired",
        "segmenter_settings": {},
        "surface_tolerance": None,
    }
    capacity = begun_capacity(out)
    if capacity is not None:
        found["segmenter_capacity"] = capacity
    if "primary" in settings:
        found["primary"] = default_primary(parse_arms(settings["arms"], gate=True, curated=True))
    return found


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
