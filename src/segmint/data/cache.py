"""Where segmint keeps what can be made again, and how processes share it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from segmint.errors import UserError


def cache_root() -> Path:
    """`$SEGMINT_CACHE`, or the place the platform has for caches."""
    named = os.environ.get("SEGMINT_CACHE")
    if named:
        return Path(named)
    import pooch

    return Path(pooch.os_cache("segmint"))


@contextmanager
def cache_lock(target: Path, *, what: str, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the cache entry `target`; another process that is making it is waited for.

    Args:
        target: the entry, which need not exist.
        what: what is cached, for the sentence that says it cannot be.
        on_wait: called once before waiting, if there is somebody to wait for.

    Raises:
        UserError: the cache cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle = (target.parent / f".{target.name}.lock").open("w")
    except OSError as error:
        raise UserError(
            f"The {what} cache {target.parent} cannot be written ({error.strerror}): point SEGMINT_CACHE to another folder."
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if on_wait is not None:
                on_wait()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
