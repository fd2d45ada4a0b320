"""The jobs of a curve, told of in JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tests.conftest import DATASETGAN

from segmint.data.dataset import open_dataset
from segmint.data.slices import open_slices
from segmint.evaluation.arms import parse_arm
from segmint.evaluation.cells import Cell, read_cell
from segmint.evaluation.curve.generators import Generators, run_segmenter
from segmint.evaluation.curve.own_cell import OwnCell
from segmint.evaluation.curve.plan import CurvePlan, GeneratorOrders
from segmint.evaluation.jobs.perform import perform, read_job, tell_job
from segmint.evaluation.regime import choose_regime


def test_generators_of_a_curve(planned: Callable[..., CurvePlan], tmp_path: Path) -> None:
    settings = {f"datasetgan.{key}": value for key, value in DATASETGAN.items()}
    plan = planned(recipes=["datasetgan"], settings=settings, orders=GeneratorOrders(kimg=0.5, threads=2))
    generators = Generators(plan, tmp_path / "curve", "cpu", False)
    ((first,),) = generators.batches(plan.levels[0])
    (same,), (second,) = generators.batches(plan.levels[1])
    assert same == first
    assert first.reuse is None
    assert second.reuse == first.run_folder == generators.run("datasetgan", plan.levels[0])
    assert (first.labelled, first.pairs, second.labelled, second.pairs) == (2, 18, 5, 45)
    assert second.orders.settings == {"datasetgan": DATASETGAN}
    for job in (first, second):
        assert read_job(json.loads(tell_job(job).read_text())) == job


def test_a_recipes_own_segmenter(branched_run: Path, tmp_path: Path) -> None:
    dataset = open_dataset(Path(json.loads((branched_run / "config.json").read_text())["dataset"]["path"]))
    assert dataset.split is not None
    regime = choose_regime(open_slices(dataset, size=32), dataset.split, subset=None, real_slices=None)
    cell = Cell(parse_arm("100R"), 0, None)

    def job(folder: str) -> OwnCell:
        return OwnCell(
            cell,
            tmp_path / folder,
            regime,
            branched_run,
            "cpu",
            lambda: run_segmenter(branched_run, "cpu"),
            "own, seed 0",
        )

    assert perform(tell_job(job("told"))).kind == "done"
    job("here").run()
    found, expected = (read_cell(cell, tmp_path / folder, regime) for folder in ("told", "here"))
    assert sorted(found.counts) == sorted(dataset.split.test)
    assert all(np.array_equal(found.counts[subject], expected.counts[subject]) for subject in expected.counts)
