"""What cells cost is kept with them and told; of earlier ones nothing is made up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segmint.evaluation.cells import RESULT, now
from segmint.evaluation.cost import cost_sentence, read_cost, write_cost


def cell(folder: Path, seconds: float | None, core_seconds: float | None) -> None:
    folder.mkdir(parents=True)
    (folder / RESULT).write_text(json.dumps({"seconds": seconds, "core_seconds": core_seconds}))


def test_cells_are_added_up_those_of_folds_and_gate_too(tmp_path: Path) -> None:
    cell(tmp_path / "fold0" / "cells" / "100R-seed0", 90.0, 60.0)
    cell(tmp_path / "fold0" / "gate" / "fold1" / "cells" / "100R-seed0", 30.0, 120.0)
    write_cost(tmp_path)
    cost = read_cost(tmp_path)
    assert cost == {"cells": 2, "seconds_a_cell": 60.0, "core_hours": pytest.approx(0.05)}
    assert cost_sentence(cost) == (
        "Cost: 2 cells of 60 seconds on average, 0.05 core-hours in all, generators not counted."
    )


def test_nothing_is_said_where_a_cell_does_not_know(tmp_path: Path) -> None:
    write_cost(tmp_path)
    cell(tmp_path / "cells" / "100R-seed0", 90.0, 60.0)
    cell(tmp_path / "cells" / "100R-seed1", None, None)
    write_cost(tmp_path)
    assert read_cost(tmp_path) is None
    assert cost_sentence(None) == ""


def test_processor_time_is_that_of_what_was_done() -> None:
    began = now()
    while now().core_seconds - began.core_seconds < 0.02:
        np.linalg.svd(np.eye(60))
    assert now().seconds > began.seconds
