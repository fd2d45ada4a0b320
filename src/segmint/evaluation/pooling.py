"""Cells of the folds of a trial put together: every subject with the score of the fold that tested it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

import numpy as np

from segmint.evaluation.arms import Arm, ArmCounts
from segmint.evaluation.cells import CellResult
from segmint.evaluation.design import Design
from segmint.evaluation.gate_choice import Choice


@dataclass(frozen=True)
class Fold:
    """One fold that is finished: its design, its cells seed by seed in the order of the arms, and what the gate chose."""

    design: Design
    results: tuple[CellResult, ...]
    choice: Choice | None = None

    def described(self) -> dict[str, Any]:
        """What trial.json says of it."""
        regime = self.design.regime
        return {
            "training_subjects": list(regime.labelled),
            "validation_subjects": sorted(regime.split.validation),
            "test_subjects": sorted(regime.split.test),
            "gate": None if self.choice is None else self.choice.arm.content,
        }


class FoldedChoice:
    """What the gate chose in each fold, inside its training subjects; never by the subjects that the fold tests."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        self.choices = tuple(choices)

    @property
    def opened(self) -> bool:
        """Whether any pairs are added in any fold."""
        return any(choice.opened for choice in self.choices)

    @property
    def sentence(self) -> str:
        """What was chosen."""
        if not self.opened:
            alarmed = any(one.gained for choice in self.choices for one in choice.candidates)
            return (
                f"The gate added no synthetic pairs in any of {len(self.choices)} folds: none gained for sure"
                f"{' without more false alarms' if alarmed else ''}{self._rising}"
            )
        chosen = ", ".join(choice.arm.content for choice in self.choices)
        return f"The gate chose in each of {len(self.choices)} folds by itself: {chosen}{self._rising}"

    @property
    def _rising(self) -> str:
        """Where more steps might choose otherwise."""
        number = sum(choice.converged is False for choice in self.choices)
        return f"; in {number} of the folds the segmenters it chose by had not converged" if number else ""

    def as_json(self) -> dict[str, Any]:
        """As of a single choice, the candidates of all folds one after another; and each fold's own."""
        folds = [choice.as_json() for choice in self.choices]
        return {
            "chosen": ", ".join(fold["chosen"] for fold in folds),
            "sentence": f"{self.sentence}.",
            "subjects": sum(fold["subjects"] for fold in folds),
            "confidence": folds[0]["confidence"],
            "candidates": [
                one | {"arm": f"fold {number + 1}, {one['arm']}", "confidence": fold["confidence"]}
                for number, fold in enumerate(folds)
                for one in fold["candidates"]
            ],
            "folds": folds,
        }


def pool_results(folds: Sequence[Fold]) -> list[CellResult]:
    """One result for each arm and seed, in the order of the first fold: subjects of all folds, learning curves averaged.

    Seed k of one fold goes with seed k of the others. The gate's arm may hold other shares in each fold, and has none here.
    """
    others = [{(one.cell.seed, one.cell.arm.name): one for one in fold.results} for fold in folds]
    pooled = []
    for first in folds[0].results:
        parts = [of[first.cell.seed, first.cell.arm.name] for of in others]
        arm = Arm(gated=True) if first.cell.arm.gated else first.cell.arm
        numbers = [part.cell.synthetic for part in parts if part.cell.synthetic is not None]
        pooled.append(
            CellResult(
                replace(first.cell, arm=arm, synthetic=numbers[0] if numbers else None),
                {subject: counts for part in parts for subject, counts in part.counts.items()},
                _mean_curve([part.curve for part in parts]),
                {subject: measured for part in parts for subject, measured in part.metrics.items()},
            )
        )
    return pooled


def mean_counts(folds: Sequence[Fold]) -> dict[str, ArmCounts]:
    """Slices of each arm by name, the mean over the folds, rounded."""
    found: dict[str, list[ArmCounts]] = {}
    for fold in folds:
        for arm in {one.cell.arm.name: one.cell.arm for one in fold.results}.values():
            found.setdefault(arm.name, []).append(arm.counts(len(fold.design.regime.training)))
    return {
        name: ArmCounts(*(round(float(np.mean(numbers))) for numbers in zip(*map(astuple, counts), strict=True)))
        for name, counts in found.items()
    }


def notes_of_folds(folds: Sequence[Fold], notes: Sequence[str]) -> list[str]:
    """Notes of the design: those of all folds once, others with the number of their fold; `notes` where there are no folds."""
    if not folds:
        return list(notes)
    found: dict[str, list[int]] = {}
    for number, fold in enumerate(folds):
        for note in fold.design.notes:
            found.setdefault(note, []).append(number + 1)
    named = [
        note if len(numbers) == len(folds) else f"Fold {', '.join(map(str, numbers))}: {note}"
        for note, numbers in found.items()
    ]
    shared = ", and folds training subjects" if len(folds) > 2 else ""
    return [
        *named,
        f"Every subject is tested once, in one of {len(folds)} folds. The subjects of a fold share segmenters and generators"
        f"{shared}: the intervals take subjects for independent of each other and may be somewhat narrow.",
    ]


def _mean_curve(curves: Sequence[Sequence[tuple[int, float]]]) -> list[tuple[int, float]]:
    """Mean over the curves where all of them have a point; NaN where one of them has no value."""
    shared = set.intersection(*({images for images, _ in curve} for curve in curves))
    found = [dict(curve) for curve in curves]
    return [(images, float(np.mean([one[images] for one in found]))) for images in sorted(shared)]
