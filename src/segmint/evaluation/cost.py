"""What the cells of a trial cost: seconds that passed, and hours of processor cores.

It stands in a file of its own, since trial.json is the same to the byte however fast the machine was.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segmint.evaluation.cells import RESULT
from segmint.outputs import read_object, write_json

COST = "cost.json"


def measure_cost(out: Path) -> dict[str, Any] | None:
    """`cells`, mean `seconds_a_cell`, `core_hours` of all cells in the folder of a trial, those of folds and of its gate too.

    Training, building the pool and scoring are in it, generators are not; of a cell that was stopped, only what was done since.
    Time on a GPU is in the seconds alone. None where there are no cells, or one does not know its own, as of earlier versions.
    """
    found = [read_object(path) for path in sorted(out.glob(f"**/cells/*/{RESULT}"))]
    if not found or any(one.get("seconds") is None or one.get("core_seconds") is None for one in found):
        return None
    return {
        "cells": len(found),
        "seconds_a_cell": sum(one["seconds"] for one in found) / len(found),
        "core_hours": sum(one["core_seconds"] for one in found) / 3600,
    }


def write_cost(out: Path) -> None:
    """Write cost.json to the folder of a finished trial, where every cell knows what it cost."""
    cost = measure_cost(out)
    if cost is not None:
        write_json(out / COST, cost)


def read_cost(out: Path) -> dict[str, Any] | None:
    """What `write_cost` wrote; None where it is not known."""
    return read_object(out / COST) if (out / COST).is_file() else None


def cost_sentence(cost: Mapping[str, Any] | None) -> str:
    """The same in words; empty where it is not known."""
    if not cost:
        return ""
    cells = cost["cells"]
    return (
        f"Cost: {cells} cell{'' if cells == 1 else 's'} of {cost['seconds_a_cell']:.0f} seconds on average, "
        f"{cost['core_hours']:.2f} core-hours in all, generators not counted."
    )
