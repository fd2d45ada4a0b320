from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from segmint.evaluation.arms import parse_arms
from segmint.evaluation.cells import CellResult, plan_cells
from segmint.evaluation.metric_summary import describe_metrics, partly_measured
from segmint.evaluation.subject_grids import SubjectGrids
from segmint.evaluation.subject_metrics import METRICS
from segmint.evaluation.summary import collect_scores

NAMES = ("background", "organ", "tumour")
SUBJECTS = [f"s{i:02d}" for i in range(8)]


def results(*, measured: bool = True) -> list[CellResult]:
    """Two seeds; the tumour of the first three subjects has no HD95 with seed 0, nor that of the first with seed 1."""
    rng, found = np.random.default_rng(0), []
    for cell in plan_cells(parse_arms("100R"), seeds=2, synthetic_sets=0):
        counts = {name: np.array([[900, 0, 0], [60, 10, 20], [8, 2, 0]]) for name in SUBJECTS}
        metrics: dict[str, Any] = {name: {"hd95": rng.uniform(1, 5, 2)} for name in SUBJECTS}
        for name in SUBJECTS[: 1 if cell.seed else 3]:
            metrics[name]["hd95"][1] = np.nan
        found.append(CellResult(cell, counts, [(10, 0.5)], metrics if measured else {}))
    return found


def described(found: list[CellResult], **changes: Any) -> dict[str, Any]:
    grids = SubjectGrids(**{"grids": (), "dimensions": 3, "physical": True, "tolerance": 1.5, **changes})
    return describe_metrics(collect_scores(found, label_names=NAMES), grids)


def test_means_intervals_and_how_many_subjects_have_a_value() -> None:
    found = results()
    content = described(found)
    assert list(content) == [metric.name for metric in METRICS]
    values = np.array([[one.metrics[name]["hd95"] for name in SUBJECTS] for one in found])
    hd95 = content["hd95"]["arms"]["100R"]
    assert hd95["mean"] == pytest.approx(np.nanmean(values, axis=2).mean())
    assert hd95["interval"][0] < hd95["mean"] < hd95["interval"][1]
    assert (hd95["subjects"], hd95["values"]) == (8, 16)
    tumour = hd95["labels"]["tumour"]
    assert tumour["mean"] == pytest.approx(np.nanmean(values[:, :, 1]))
    assert (tumour["subjects"], tumour["values"]) == (7, 12)
    precision = content["precision"]["arms"]["100R"]
    assert precision["labels"]["organ"]["mean"] == pytest.approx(6 / 7)
    assert precision["interval"][1] <= 1


def test_units() -> None:
    def units(**changes: Any) -> list[str]:
        content = described(results(), **changes)
        return [content[name]["unit"] for name in ("dice", "hd95", "nsd", "volume_error", "relative_volume_error")]

    assert units() == ["", "mm", "mm", "mm³", ""]
    assert units(dimensions=2) == ["", "mm", "mm", "mm²", ""]
    assert units(dimensions=2, physical=False) == ["", "pixels", "pixels", "pixels", ""]


def test_cells_of_an_earlier_version_keep_what_their_counts_give() -> None:
    found = [results(measured=False)[0], results()[1]]
    content = described(found)
    assert content["iou"]["arms"]["100R"]["values"] == 16
    assert content["hd95"]["arms"]["100R"]["values"] == 8
    (note,) = partly_measured(found)
    assert note.startswith("1 of 2 cells were scored by an earlier version")
    assert "hd95" in note
    assert "precision" not in note
    assert partly_measured(results()) == []
