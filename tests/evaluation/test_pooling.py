from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segmint.evaluation.arms import Arm, parse_arm
from segmint.evaluation.cells import Cell, CellResult
from segmint.evaluation.design import Design, design_trial
from segmint.evaluation.gate_choice import Candidate, Choice
from segmint.evaluation.pooling import Fold, FoldedChoice, mean_counts, notes_of_folds, pool_results
from segmint.evaluation.statistics import Estimate


@pytest.fixture(scope="module")
def design(real: Path) -> Design:
    return design_trial(
        real, [], size=16, axis=None, arms=["100R", "50R"], seeds=1, steps=4, batch=2, segmenter="unet", subset=None,
        real_slices=None, device="cpu", demonstration=False,
    )  # fmt: skip


def result(arm: Arm, subject: str, hits: int, curve: list[tuple[int, float]], *, sets: int | None = None) -> CellResult:
    counts = {subject: np.array([[0, 0, 0], [hits, 0, 100 - hits]])}
    return CellResult(Cell(arm, 0, sets), counts, curve, {subject: {"hd95": np.array([1.0 * hits])}})


def test_subjects_come_together_and_curves_are_averaged(design: Design) -> None:
    arm = parse_arm("100R")
    first = Fold(design, (result(arm, "a", 50, [(10, 0.4), (20, 0.6), (30, np.nan)]),))
    second = Fold(design, (result(arm, "b", 80, [(10, 0.2), (20, 0.8), (30, 0.9)]),))
    (pooled,) = pool_results([first, second])
    assert {subject: pooled.dice(subject)[0] for subject in ("a", "b")} == pytest.approx(
        {"a": 100 / 150, "b": 160 / 180}
    )
    assert {subject: pooled.measured(subject)["hd95"][0] for subject in ("a", "b")} == {"a": 50, "b": 80}
    assert pooled.curve[:2] == [(10, pytest.approx(0.3)), (20, pytest.approx(0.7))]
    assert np.isnan(pooled.curve[2][1])


def test_the_gate_is_one_arm_whatever_it_chose(design: Design) -> None:
    opened, closed = replace(parse_arm("100R+300F"), gated=True), replace(parse_arm("100R"), gated=True)
    folds = [
        Fold(design, (result(closed, "a", 50, [(1, 0.5)]),)),
        Fold(design, (result(opened, "b", 60, [(1, 0.5)], sets=1),)),
    ]
    (pooled,) = pool_results(folds)
    assert (pooled.cell.arm.name, pooled.cell.synthetic) == ("gate", 1)
    slices = len(design.regime.training)
    counts = mean_counts(folds)["gate"]
    assert (counts.real, counts.synthetic) == (slices, round(3 * slices / 2))
    choices = [
        Choice(arm, (Candidate(parse_arm("100R+300F"), Estimate(0.1, low, 0.2)),), 5, 0.9)
        for arm, low in ((closed, -0.1), (opened, 0.05))
    ]
    choice = FoldedChoice(choices)
    assert choice.opened
    assert choice.sentence == "The gate chose in each of 2 folds by itself: 100R, 100R+300F"
    assert choice.as_json()["subjects"] == 10
    assert not FoldedChoice(choices[:1]).opened
    alarming = replace(choices[1].candidates[0], alarms=Estimate(0.5, 0.2, 0.8))
    left_out = FoldedChoice([choices[0], replace(choices[0], candidates=(alarming,))])
    assert left_out.sentence.endswith("in any of 2 folds: none gained for sure without more false alarms")
    still_rising = FoldedChoice([choices[0], replace(choices[1], rise=0.02)])
    assert still_rising.sentence.endswith("100R+300F; in 1 of the folds the segmenters it chose by had not converged")


def test_a_note_of_all_folds_stands_once_and_another_names_its_fold(design: Design) -> None:
    folds = [
        Fold(replace(design, notes=("both", "the first's")), ()),
        Fold(replace(design, notes=("both",)), ()),
    ]
    both, one, shared = notes_of_folds(folds, ())
    assert (both, one) == ("both", "Fold 1: the first's")
    assert "in one of 2 folds" in shared
    assert notes_of_folds([], ("its own",)) == ["its own"]
