"""What a finished trial says: the content of trial.json."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from segmint.data.dataset import Dataset
from segmint.evaluation.arms import GATE, REAL_ARM
from segmint.evaluation.cells import CellResult
from segmint.evaluation.convergence import all_converged, describe_convergence
from segmint.evaluation.cost import write_cost
from segmint.evaluation.design import Design
from segmint.evaluation.folds import note_few_tested
from segmint.evaluation.gate_choice import Choice
from segmint.evaluation.metric_summary import describe_metrics, partly_measured
from segmint.evaluation.pooling import Fold, FoldedChoice, mean_counts, notes_of_folds
from segmint.evaluation.primary import without_primary
from segmint.evaluation.subject_grids import plan_grids
from segmint.evaluation.summary import (
    Scores,
    collect_scores,
    compare,
    describe_arms,
    describe_primary,
    last_gains,
    list_scores,
    peaks_of,
)
from segmint.evaluation.synthetic_sets import generator_count, generators_of
from segmint.evaluation.table import trial_csv
from segmint.evaluation.verdict import decide
from segmint.metrics import dice
from segmint.outputs import without_nan, write_json, write_text

FORMAT = 1


# What trial.json names where others trained the segmenters.
OUTSIDE = "trained elsewhere"
_UNJUDGED_OUTSIDE = (
    "The segmenters were trained elsewhere: whether they converged, had equal steps, and saw what their arm says, was not"
    " judged."
)


def _compared_gains(
    gains: Mapping[str, float], gate: Choice | FoldedChoice | None, *, primary: str | None
) -> dict[str, float]:
    """Those of 100R, NaN where it was not trained, and of the arm held against it, where that is in the trial.

    The arm of a gate that added nothing is 100R again.
    """
    compared, closed = {REAL_ARM: gains.get(REAL_ARM, math.nan)}, gate is not None and not gate.opened
    if primary is not None and primary in gains and not (primary == GATE and closed):
        compared[primary] = gains[primary]
    return compared


def _not_judged(scores: Scores, compared: Mapping[str, float]) -> list[str]:
    notes = []
    for name, gain in compared.items():
        if math.isnan(gain):
            why = f"{name} is not in this trial"
            if name in scores.dice:
                why = f"Validation Dice of {name} was measured too seldom, or nothing could be measured"
            notes.append(f"{why}, so whether it converged was not judged.")
    return notes


def conclude(
    design: Design,
    results: Sequence[CellResult],
    *,
    outside: bool = False,
    gate: Choice | FoldedChoice | None = None,
    folds: Sequence[Fold] = (),
    made_here: bool = False,
) -> dict[str, Any]:
    """Put together trial.json from the results of all cells; Dice as a fraction, None where there is none.

    Args:
        outside: the segmenters were trained elsewhere, so that nothing is known of their steps.
        gate: what the gate chose, where one of the arms is its own.
        folds: of a cross-validated trial, whose pooled results these are; `design` is that of one of them.
        made_here: the trial trained the generators of its arms itself.
    """
    designs = [fold.design for fold in folds] or [design]
    sets = [one for each in designs for one in each.synthetic]
    test = np.unique(np.concatenate([one.regime.test for one in designs]))
    dataset, regime = design.regime.dataset, design.regime
    # Folds have as many generators, but where a gate added nothing; sets of one number are of the same place in each.
    numbered = max((one.synthetic for one in designs), key=len)
    scores = collect_scores(results, label_names=dataset.label_names, generators=generators_of(numbered))
    gains, peaks = last_gains(scores), peaks_of(scores)
    compared = _compared_gains(gains, gate, primary=design.primary)
    primary, pairing_notes = compare(scores, design.primary)
    verdict = decide(
        primary,
        gains=compared,
        steps=design.steps,
        synthetic_sets=max(len(one.synthetic) for one in designs),
        generators=max(generator_count(one.synthetic) if one.synthetic else 0 for one in designs),
        demonstration=design.demonstration,
        augment=None if outside else design.augment,
        baselines=[
            arm.name for arm in scores.arms if (arm.flipped or arm.repeated) and not (arm.synthetic or arm.gated)
        ],
        subject_kind=dataset.subject_kind,
        gate=gate if design.primary == GATE else None,
        folds=len(folds),
        peaks={} if outside else {name: peaks.get(name) for name in compared},
        absent=without_primary(scores.arms),
    )
    unjudged = [_UNJUDGED_OUTSIDE] if outside else _not_judged(scores, compared)
    content = {
        "format": FORMAT,
        "dataset": describe_dataset(dataset),
        "metric": {"name": dice.NAME, "direction": dice.DIRECTION, "range": list(dice.RANGE)},
        "synthetic": [one.described() for one in sets],
        "size": regime.slices.size,
        "axis": regime.slices.axis,
        "steps": None if outside else design.steps,
        "batch": None if outside else design.batch,
        "seeds": design.seeds,
        "segmenter": OUTSIDE if outside else design.segmenter,
        "segmenter_preset": None if outside else design.segmenter_preset,
        "segmenter_capacity": None if outside else design.segmenter_capacity,
        "segmenter_settings": dict(design.segmenter_settings),
        "augment": None if outside else list(design.augment),
        "subset": design.subset,
        "real_slices": design.real_slices,
        "repeat": None if design.repeat is None else dataset.label_names[design.repeat],
        "surface_tolerance": design.surface_tolerance,
        "label_names": list(dataset.label_names),
        "training_subjects": sorted({subject for one in designs for subject in one.regime.labelled}),
        "validation_subjects": sorted({subject for one in designs for subject in one.regime.split.validation}),
        "test_subjects": list(scores.subjects),
        "demonstration": design.demonstration,
        "folds": [fold.described() for fold in folds],
        "arms": describe_arms(scores, real_slices=len(regime.training), counts=mean_counts(folds)),
        "metrics": describe_metrics(scores, plan_grids(regime.slices, test, tolerance=design.surface_tolerance)),
        "scores": list_scores(scores),
        "curves": scores.curves,
        "converged": all_converged(compared.values()),
        "convergence_gain_points": 100 * compared[REAL_ARM],
        "convergence": describe_convergence(gains, judged=compared, peaks=peaks),
        "primary": describe_primary(primary),
        "gate": None if gate is None else gate.as_json(),
        "verdict": asdict(verdict),
        "notes": [
            *notes_of_folds(folds, design.notes),
            *(
                []
                if folds
                else note_few_tested(regime.split, advice=_advice(design, outside=outside, made_here=made_here))
            ),
            *pairing_notes,
            *unjudged,
            *partly_measured(results),
        ],
    }
    described: dict[str, Any] = without_nan(content)
    return described


def _advice(design: Design, *, outside: bool, made_here: bool) -> str:
    """How the trial could test every subject once, in {folds} folds."""
    if outside:
        return "segmint trial export and segmint trial score with --folds {folds} would test each of them once"
    without = [
        flag
        for flag, value in (("--subset", design.subset), ("--real-slices", design.real_slices))
        if value is not None
    ]
    with_recipe = (
        " with --recipe NAME in the place of the synthetic datasets" if design.synthetic and not made_here else ""
    )
    dropped = f" without {' and '.join(without)}" if without else ""
    return f"--folds {{folds}}{with_recipe}{dropped} would test each of them once"


def write_outcome(out: Path, content: Mapping[str, Any]) -> None:
    """Write cost.json, trial.csv and trial.json, this last: where it is, the trial is finished."""
    write_cost(out)
    write_text(out / "trial.csv", trial_csv(content))
    write_json(out / "trial.json", content)


def describe_dataset(dataset: Dataset) -> dict[str, Any]:
    """What trial.json says of the real dataset."""
    return {
        "path": str(dataset.root.resolve()),
        "name": dataset.name,
        "identity": dataset.identity,
        "channel_names": list(dataset.channel_names),
        "label_names": list(dataset.label_names),
        "licence": dataset.licence,
        "subject_kind": dataset.subject_kind,
    }
