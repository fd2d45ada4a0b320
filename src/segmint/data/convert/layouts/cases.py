"""Collecting the files of cases, and checking that every case has a name of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from segmint.data.convert.layouts.layout import SourceCase
from segmint.errors import UserError


def checked(cases: Sequence[SourceCase], root: Path) -> list[SourceCase]:
    """The same cases, if there are any in `root`, every name can be a case id, and none comes twice.

    Raises:
        UserError: otherwise.
    """
    if not cases:
        raise UserError(
            f"{root} holds no cases: give the folder with the files as they come (see `segmint data layouts`)."
        )
    seen: dict[str, Path] = {}
    for case in cases:
        if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", case.id) is None:
            raise UserError(
                f'{case.path} makes the case "{case.id}", which may hold letters, digits, dots, dashes and underscores '
                "only: rename it."
            )
        if case.id in seen:
            raise UserError(f"{seen[case.id]} and {case.path} are the same case twice: remove one of them.")
        seen[case.id] = case.path
    return list(cases)


def visible_files(root: Path, pattern: str) -> list[Path]:
    """Files anywhere in a folder whose names match, sorted, without the hidden ones that some systems leave in archives."""
    return sorted(path for path in root.rglob(pattern) if path.is_file() and not path.name.startswith("."))


def only_file(folder: Path, pattern: str) -> Path:
    """The one file in a folder that matches a glob pattern.

    Raises:
        UserError: there is none, or more than one.
    """
    found = sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))
    if not found:
        raise UserError(f"{folder} holds no {pattern}, which every case of the layout has: restore it.")
    if len(found) > 1:
        raise UserError(f"{found[0]} and {found[1]} are the same image twice: remove one of them.")
    return found[0]
