"""Opening a run folder: a new one, one that is replaced, or one that is resumed by the command that began it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from segmint.errors import UserError
from segmint.outputs import check_target, opened_folder, write_json
from segmint.training.run_folder import RunFolder, describe_environment
from segmint.training.stored_config import read_config


def check_out(run: RunFolder, config: Mapping[str, Any], *, resume: bool, overwrite: bool, inexact: bool) -> None:
    """Whether `run` may be written: it does not exist, or it is resumed with the command that began it.

    Raises:
        UserError: it may not.
    """
    if not resume:
        check_target(run.root, overwrite=overwrite, inputs=_inputs(config))
        return
    before = read_config(run)
    exact = ("threads", "instructions", "torch", "precision", "device", "segmint")
    for key in config:
        if key in exact and inexact:
            continue
        old, new = recorded(before, config, key), as_json(config[key])
        if key == "dataset":
            old, new = (before["dataset"]["identity"], config["dataset"]["identity"])
        if key == "taken_over":
            old, new = _hashes(old or {}), _hashes(new)
        if old != new:
            mend = "pass --inexact to go on all the same" if key in exact else "resume with the command that began it"
            where, old, new = _difference(key, old, new)
            raise UserError(f"{run.root} was trained with {where} = {_short(old)}, now it is {_short(new)}: {mend}.")


def recorded(before: Mapping[str, Any], config: Mapping[str, Any], key: str) -> Any:
    """What a stored configuration says under a key; what earlier versions did not store is taken from `config`."""
    if key == "marks_seen" and key not in before:
        return as_json(config[key])
    return {**as_json(config[key]), **before[key]} if key == "grid" else before.get(key)


def _hashes(taken_over: Mapping[str, Any]) -> dict[str, Any]:
    return {stage: origin["sha256"] for stage, origin in taken_over.items()}


def _difference(where: str, old: Any, new: Any) -> tuple[str, Any, Any]:
    """The first place at which two stored values differ, as deep within them as both go, and what they hold there."""
    keys: list[Any] = []
    if isinstance(old, Mapping) and isinstance(new, Mapping) and old.keys() == new.keys():
        keys = list(old)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        keys = list(range(len(old)))
    found = next((key for key in keys if old[key] != new[key]), None)
    return (where, old, new) if found is None else _difference(f"{where}.{found}", old[found], new[found])


def _short(value: Any) -> str:
    return re.sub(r"(?<=.{200}).+", " ...", str(value))


def as_json(value: Any) -> Any:
    """What `value` is after it was stored and read: mappings and lists."""
    if isinstance(value, Mapping):
        return {key: as_json(item) for key, item in value.items()}
    return [as_json(item) for item in value] if isinstance(value, list | tuple) else value


def _inputs(config: Mapping[str, Any]) -> list[Path]:
    """What a training reads: its dataset, that of an auxiliary map, and runs whose stages are taken over."""
    auxiliary, taken = config.get("auxiliary"), config.get("taken_over") or {}
    paths = [
        config["dataset"]["path"],
        *([auxiliary["path"]] if auxiliary else []),
        *(one["run"] for one in taken.values()),
    ]
    return [Path(path) for path in dict.fromkeys(paths)]


@contextmanager
def opened_run(
    run: RunFolder, config: Mapping[str, Any], *, resume: bool, overwrite: bool, inexact: bool
) -> Iterator[None]:
    """Hold the run folder, with its configuration and environment written where it is new; an old one is taken away first.

    Raises:
        UserError: it cannot be written, or another process writes it or has written it since it was checked.
    """
    with opened_folder(run.root, overwrite=overwrite and not resume):
        check_out(run, config, resume=resume, overwrite=False, inexact=inexact)
        if not resume:
            write_json(run.root / "config.json", config)
        if not (run.root / "environment.json").exists():
            write_json(run.root / "environment.json", describe_environment())
        run.set_status("running")
        yield
