"""Keeping what C libraries remark of damaged files from the user, who is told in one sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2


@contextmanager
def without_native_remarks() -> Iterator[None]:
    """libtiff and MetaIO write to file descriptor 2, past Python's sys.stderr: it leads nowhere meanwhile."""
    try:
        kept = os.dup(_STDERR)
    except OSError:  # there is no stderr to write to
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, _STDERR)
        os.close(nowhere)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
