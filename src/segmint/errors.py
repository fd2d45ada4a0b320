"""The one exception that is the user's to mend, and failures of the machine put into words."""

from __future__ import annotations

import errno
import os
import re

_WRITING = {
    errno.ENOSPC: "the disk is full: free some space or choose another --out, then run the same command again",
    errno.EDQUOT: "your quota on this disk is used up: free some space or choose another --out",
    errno.EROFS: "the file system is read-only: choose another --out",
    errno.EACCES: "permission is denied: change the permissions or choose another place",
    errno.EPERM: "permission is denied: change the permissions or choose another place",
}


class UserError(Exception):
    """Wrong input: one sentence that says what is wrong, where, and how to mend it.

    The command line prints the sentence and exits with code 2; a traceback would be a defect.
    """


class WaitingForPerson(Exception):
    """A stage needs a person (for instance annotation); the run ends with exit code 0 and can be resumed."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: torch says it in several ways, a class of its own on a GPU, a RuntimeError on a CPU."""
    if isinstance(error, MemoryError):
        return True
    if not isinstance(error, RuntimeError):
        return False
    said = str(error)
    return type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in said or "not enough memory" in said


def writing_failure(error: BaseException) -> str | None:
    """A full or forbidden disk as a sentence, also where a library has wrapped the system's error; None for anything else."""
    current: BaseException | None = error
    while current is not None:
        code, path = None, None
        if isinstance(current, OSError):
            code, path = current.errno, current.filename
        elif type(current).__name__ == "SafetensorError" and (match := re.search(r"os error (\d+)", str(current))):
            code = int(match.group(1))
        if code in _WRITING:
            return f"{_readable(path)}: {_WRITING[code]}." if path else f"Writing failed, {_WRITING[code]}."
        current = current.__cause__ or current.__context__
    return None


def _readable(path: object) -> str:
    return os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else str(path)
