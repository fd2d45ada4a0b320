"""What cells cost is kept with them and told; of earlier ones nothing is made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segmint.evaluation.arms import parse_arm
from segmint.evaluation.cells import Cell, CellResult, Cost, now
from segmint.evaluation.cost import cost_sentence, describe_cost, read_cost, write_cost


def result(cost: Cost | None) -> CellResult:
    return CellResult(Cell(parse_arm("100R"), 0, None), {"a": np.ones((2, 3), dtype=np.int64)}, [], cost=cost)


def test_cells_are_added_up() -> None:
    cost = describe_cost([result(Cost(90.0, 60.0)), result(Cost(30.0, 120.0))])
    assert cost == {"cells": 2, "seconds_a_cell": 60.0, "core_hours": pytest.approx(0.05)}
    assert cost_sentence(cost) == (
        "Cost: 2 cells of 60 seconds on average, 0.05 core-hours in all, generators not counted."
    )


def test_nothing_is_said_where_a_cell_does_not_know() -> None:
    assert describe_cost([result(Cost(90.0, 60.0)), result(None)]) is None
    assert describe_cost([]) is None
    assert cost_sentence(None) == ""


def test_it_is_kept_in_a_file_of_its_own(tmp_path: Path) -> None:
    write_cost(tmp_path, [result(None)])
    assert read_cost(tmp_path) is None
    assert not list(tmp_path.iterdir())
    write_cost(tmp_path, [result(Cost(90.0, 60.0))])
    assert read_cost(tmp_path) == {"cells": 1, "seconds_a_cell": 90.0, "core_hours": pytest.approx(60 / 3600)}


def test_processor_time_is_that_of_what_was_done() -> None:
    began = now()
    while now().core_seconds - began.core_seconds < 0.02:
        np.linalg.svd(np.eye(60))
    assert now().seconds > began.seconds
