"""Outputs are written aside and moved into place; nothing that exists is lost."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from segmint.errors import UserError
from segmint.locks import alone, clear_leftovers, held, is_empty, locked, remove


@contextmanager
def staged_folder(target: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a sibling temporary folder that becomes `target` when the block ends well, and vanishes when it does not.

    Raises:
        UserError: `target` exists and `overwrite` is false, its parent cannot be written, or another process is writing it.
    """
    target = Path(target)
    check_target(target, overwrite=overwrite)
    _refuse_here(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(target, error) from error
    with alone(target):
        clear_leftovers(target)
        # Another process may have finished it meanwhile.
        check_target(target, overwrite=overwrite)
        staging = target.parent / f".{target.name}.partial-{uuid.uuid4().hex[:8]}"
        try:
            staging.mkdir()
        except OSError as error:
            raise _unwritable(target, error) from error
        try:
            yield staging
            _move_into_place(staging, target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _unwritable(target: Path, error: OSError) -> UserError:
    return UserError(f"{target} cannot be written ({error.strerror}): choose another --out.")


def check_target(target: Path, *, overwrite: bool, inputs: Iterable[Path] = ()) -> None:
    """Refuse an output that exists, unless it is an empty folder or may be overwritten.

    Whatever may be overwritten, no input is, nor a folder that holds one.
    """
    if os.path.lexists(target) and not is_empty(target) and not overwrite:
        raise UserError(f"{target} exists already: choose another --out or pass --overwrite.")
    refuse_inputs(target, inputs)


@contextmanager
def opened_folder(target: Path, *, overwrite: bool) -> Iterator[None]:
    """Hold a folder that is written in its place, made where it is absent.

    Args:
        target: the folder; whether it may be written was checked before (see `check_target`).
        overwrite: what stands there is taken away first.

    Raises:
        UserError: it cannot be written, another process writes it, or it holds a link to a place outside.
    """
    try:
        if overwrite:
            _clear_away(target)
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(target, error) from error
    with locked(target):
        clear_leftovers(target)
        yield


def _clear_away(target: Path) -> None:
    """Take away what stands at `target`; a folder that another process writes keeps what it holds.

    Raises:
        UserError: another process writes there.
    """
    if not target.is_dir() or target.is_symlink():
        target.unlink(missing_ok=True)
    elif any(target.iterdir()):
        _refuse_here(target)
        with held(target):
            old = target.with_name(f".{target.name}.old-{uuid.uuid4().hex[:8]}")
            target.rename(old)
        shutil.rmtree(old, ignore_errors=True)


def _refuse_here(target: Path) -> None:
    """A folder that a process stands in cannot be exchanged for another."""
    if target.resolve() == Path.cwd():
        raise UserError(
            f"{target} is the folder that this was called in, which cannot be replaced: choose another --out."
        )


def refuse_inputs(target: Path, inputs: Iterable[Path]) -> None:
    """Refuse an output that is an input, or a folder that holds one."""
    for one in inputs:
        if Path(one).resolve().is_relative_to(Path(target).resolve()):
            raise UserError(f"{target} is or holds {one}, which is read here: choose another --out.")


def _move_into_place(staging: Path, target: Path) -> None:
    """Rename `staging` to `target`; an old target is renamed away first and removed last."""
    old: Path | None = None
    if os.path.lexists(target):
        old = target.parent / f".{target.name}.old-{uuid.uuid4().hex[:8]}"
        target.rename(old)
    staging.rename(target)
    if old is not None:
        remove(old)


@contextmanager
def staged_file(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; it replaces `target` (fsync, then rename) when the block ends well.

    Raises:
        UserError: `target` is a folder.
    """
    target = Path(target)
    if target.is_dir():
        raise UserError(f"{target} is a folder, and a file is to be written there: remove it.")
    staging = target.parent / f".{target.stem}.partial-{uuid.uuid4().hex[:8]}{target.suffix}"
    try:
        yield staging
        with staging.open("rb") as handle:
            os.fsync(handle.fileno())
        staging.replace(target)
    finally:
        staging.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Write a text file atomically."""
    with staged_file(target) as staging:
        staging.write_text(text, encoding="utf-8")


def write_json(target: Path, content: Any) -> None:
    """Write JSON atomically (indented, NaN as null)."""
    write_text(target, json.dumps(without_nan(content), indent=1, allow_nan=False) + "\n")


def without_nan(content: Any) -> Any:
    """Copy of a JSON-like value in which every float that is not finite has become None."""
    if isinstance(content, dict):
        return {str(key): without_nan(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [without_nan(value) for value in content]
    if isinstance(content, float) and content not in (float("inf"), float("-inf")) and content == content:
        return content
    return None if isinstance(content, float) else content


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        UserError: it is absent, unreadable, or holds something else.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise UserError(f"{path} holds no JSON object: it was not written by segmint, or is damaged.")
    return content


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: it is absent, unreadable, or not JSON.
    """
    try:
        if Path(path).exists() and not Path(path).is_file():
            raise UserError(f"{path} is no file: put one there that segmint wrote.")
        return parse_json(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist.") from error
    except RecursionError as error:
        raise UserError(f"{path} cannot be read as JSON (it is nested too deeply).") from error
    except (OSError, ValueError) as error:  # broken JSON or UTF-8, or a number of thousands of digits
        raise UserError(f"{path} cannot be read as JSON ({error}).") from error


def parse_json(text: str) -> Any:
    """The value that a JSON text says.

    Raises:
        ValueError: it is not JSON, or holds half a character.
        RecursionError: it is nested too deeply.
    """
    content = json.loads(text)
    if "\\ud" in text.lower():
        # Halves of a character, which JSON can say, but no file name, message or hash can hold.
        json.dumps(content, ensure_ascii=False).encode()
    return content
