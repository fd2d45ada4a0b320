"""Condition maps: further label maps of a case (foreground, membranes) that a recipe may be given but need not predict."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

FOLDER = "conditions"
# Without "_", so that "a_b" of the case "c" and "b" of the case "c_a" cannot mean one file.
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9.-]*$")


def condition_path(root: Path, case: str, name: str, ending: str) -> Path:
    """Where the map `name` of a case lies: `conditions/CASE_NAME.ext`."""
    return root / FOLDER / f"{case}_{name}{ending}"


def checked_conditions(conditions: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Names of the maps with the names of their ids (index = id).

    Raises:
        ValueError: a map's name does not suit a file name, or its ids are fewer than 2, more than 256, or named alike.
    """
    checked = {name: tuple(labels) for name, labels in conditions.items()}
    for name, labels in checked.items():
        if _NAME.match(name) is None:
            raise ValueError(f'the condition name "{name}" may hold letters, digits, "." and "-" only')
        if not 2 <= len(labels) <= 256 or len(set(labels)) != len(labels):
            raise ValueError(f'the condition "{name}" needs 2 to 256 different names, "background" included')
    return checked
