"""Datasheets and model cards as files: what a person wrote into one is never overwritten.

The last line of a sheet holds a hash of all above it. Where it does not fit, somebody has edited the sheet, or it is from
before there was such a line; then the new one is written beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from segmint.outputs import write_text

_MARK = "<!-- Written by segmint, which replaces this file as long as nobody has edited it: "


def write_sheet(folder: Path, name: str, text: str) -> Path:
    """Write a sheet under its name, or, where that was edited by hand, under the first of NAME.segmint.md, NAME.segmint-2.md, and
    so on, that was not.

    Returns:
        The path written.

    Raises:
        OSError, UserError: the folder cannot be written.
    """
    target = next(path for path in _paths(folder, name) if not path.exists() or _untouched(path))
    write_text(target, f"{text}\n{_MARK}{_digest(text)} -->\n")
    return target


def read_sheet(path: Path) -> str | None:
    """The text of a sheet without its last line; None where there is none that can be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return _parts(text)[0]


def sheets_beside(folder: Path, name: str) -> list[str]:
    """The texts of all sheets under a name or beside it, without their last lines: edited ones first, then by age, newest last.

    What segmint wrote last goes by the time of the file; when somebody edited one tells nothing of what stands in it.
    """
    found = []
    for number, path in enumerate(_paths(folder, name)):
        # The first may be gone while others stay.
        if number and not path.exists():
            break
        if (text := read_sheet(path)) is not None:
            untouched = _untouched(path)
            found.append((untouched, path.stat().st_mtime_ns if untouched else 0, number, text))
    return [text for *_, text in sorted(found)]


def _paths(folder: Path, name: str) -> Iterator[Path]:
    """NAME.md, NAME.segmint.md, NAME.segmint-2.md, and so on."""
    yield folder / name
    yield folder / f"{Path(name).stem}.segmint.md"
    yield from (folder / f"{Path(name).stem}.segmint-{number}.md" for number in count(2))


def _untouched(path: Path) -> bool:
    try:
        text, digest = _parts(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return False
    return digest == _digest(text)


def _parts(text: str) -> tuple[str, str | None]:
    """What stands above the last line, and the hash in that."""
    above, mark, rest = text.rpartition(f"\n{_MARK}")
    return (above, rest.strip().removesuffix(" -->")) if mark else (text, None)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
