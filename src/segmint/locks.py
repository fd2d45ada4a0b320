"""One process at a time writes an output: locks of the kernel's, which end with their process, however it ends."""

from __future__ import annotations

import fcntl
import glob
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segmint.errors import UserError

LOCK = ".lock"
_LEFT_BEHIND = re.compile(r"\..+\.partial-[0-9a-f]{8}(\..+)?")
"""Names of what `segmint.outputs` writes aside."""


@contextmanager
def locked(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold `folder` for this process, without what a killed one was writing there.

    Args:
        wait: until another process has let go of it.

    Raises:
        UserError: another process holds it, and is not waited for; it cannot be written, or it holds a link to a place outside,
            which would be written.
    """
    with held(folder, wait=wait):
        for path in _links_and_leftovers(folder):
            if path.is_symlink():
                _refuse_outside(path, folder)
            else:
                remove(path)
        yield


@contextmanager
def held(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """The same, whatever the folder holds.

    Raises:
        UserError: another process holds it, and is not waited for, or it cannot be written.
    """
    handle = _lock(folder / LOCK, folder, wait=wait)
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """Hold the right to put something at `target`, which need not exist, by a file beside it that goes in the end.

    Raises:
        UserError: another process holds it, or its folder cannot be written.
    """
    path = target.parent / f".{target.name}.writing"
    handle = _lock(path, target)
    try:
        yield
    finally:
        # Before the lock ends: whoever waits for it would else hold a file that is taken away.
        path.unlink(missing_ok=True)
        os.close(handle)


def _lock(path: Path, what: Path, *, wait: bool = False) -> int:
    """Open and lock a file that is empty, made where it is absent; links are not followed."""
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        except OSError as error:
            raise UserError(
                f"{what} cannot be written ({path.name}: {error.strerror}): choose another --out."
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        except BlockingIOError as error:
            os.close(handle)
            raise UserError(
                f"{what} is in use by another segmint process: wait for it or choose another --out."
            ) from error
        except FileNotFoundError:
            # Whoever held it has taken it away meanwhile.
            os.close(handle)
            continue
        except OSError as error:
            os.close(handle)
            raise UserError(f"{what} cannot be locked ({error.strerror}): choose an --out on another disk.") from error
        os.close(handle)


def _links_and_leftovers(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            if _LEFT_BEHIND.fullmatch(name) or path.is_symlink():
                yield path
        folders[:] = [name for name in folders if not _LEFT_BEHIND.fullmatch(name)]


def _refuse_outside(link: Path, folder: Path) -> None:
    if not link.resolve().is_relative_to(folder.resolve()):
        raise UserError(
            f"{link} is a link to {link.readlink()}, and nothing outside of {folder} is written: put what it points to in its"
            " place."
        )


def clear_leftovers(target: Path) -> None:
    """Take away what killed processes were writing for `target`; what they had renamed away for it comes back.

    Only for whoever holds it (see `alone`).
    """
    partial, old = (
        sorted(target.parent.glob(f".{glob.escape(target.name)}.{kind}-????????")) for kind in ("partial", "old")
    )
    if old and not os.path.lexists(target):
        old.pop().rename(target)
    for path in (*partial, *old):
        remove(path)


def remove(path: Path) -> None:
    """Take away a file, a link, or a folder with all it holds."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing but what a process that was killed at its beginning leaves."""
    return folder.is_dir() and all(path.name == LOCK or _LEFT_BEHIND.fullmatch(path.name) for path in folder.iterdir())
