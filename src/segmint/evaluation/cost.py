"""What the cells of a trial cost: seconds that passed, and hours of processor cores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segmint.evaluation.cells import CellResult


def describe_cost(results: Sequence[CellResult]) -> dict[str, Any] | None:
    """What trial.json says: `cells`, mean `seconds_a_cell`, `core_hours` of all; None where a cell does not know its own.

    Training, building the pool and scoring are in it, generators are not; of a cell that was stopped, only what was done since.
    Time on a GPU is in the seconds alone.
    """
    known = [one.cost for one in results if one.cost is not None]
    if not known or len(known) < len(results):
        return None
    return {
        "cells": len(known),
        "seconds_a_cell": sum(one.seconds for one in known) / len(known),
        "core_hours": sum(one.core_seconds for one in known) / 3600,
    }


def cost_sentence(trial: Mapping[str, Any]) -> str:
    """The same of a trial.json in words; empty where it is not known."""
    cost = trial.get("cost")
    if not cost:
        return ""
    cells = cost["cells"]
    return (
        f"Cost: {cells} cell{'' if cells == 1 else 's'} of {cost['seconds_a_cell']:.0f} seconds on average, "
        f"{cost['core_hours']:.2f} core-hours in all, generators not counted."
    )
