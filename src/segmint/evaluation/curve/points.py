"""The points of a curve: every arm at every number of labelled subjects, trained and scored once and kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from segmint.evaluation.cells import (
    Bench,
    Cell,
    CellResult,
    TrainsSegmenter,
    is_finished,
    read_cell,
    run_cell,
    score_cell,
)
from segmint.evaluation.curve.plan import SEGMENTER, CurveArm, CurvePlan, Level, changes
from segmint.evaluation.progress import CellProgress
from segmint.evaluation.scoring import Predicts
from segmint.evaluation.synthetic_sets import SyntheticSet, open_synthetic_sets


class Generates(Protocol):
    """Where pairs, and segmenters that come with them, are had from."""

    def drawn(self, arm: CurveArm, level: Level) -> Path:
        """The pairs of an arm's recipe, as a dataset."""

    def segmenter(self, recipe: str, level: Level) -> Predicts:
        """The segmenter that a recipe's run gives."""


@dataclass(frozen=True)
class Point:
    """One arm at one level.

    Attributes:
        results: seed by seed; of a recipe's own segmenter one alone.
        slices: real and synthetic slices its segmenter learned from.
        synthetic: what trial.json says of the set it drew from; notes: on what its generator has seen.
    """

    level: Level
    arm: CurveArm
    results: tuple[CellResult, ...]
    slices: int
    synthetic: dict[str, Any] | None = None
    notes: tuple[str, ...] = field(default=())


def cells_of(plan: CurvePlan, arm: CurveArm) -> list[Cell]:
    """An arm's cells at one level: one a seed; a recipe's own segmenter is trained once, with its generator."""
    synthetic = 0 if arm.arm.synthetic else None
    return [Cell(arm.arm, seed, synthetic) for seed in ([plan.seed] if arm.own else range(plan.seeds))]


def run_points(
    plan: CurvePlan,
    root: Path,
    *,
    generators: Generates,
    train: TrainsSegmenter,
    device: str,
    progress: CellProgress,
) -> Iterator[Point]:
    """Every point, level by level; what lies finished in `root` is read.

    Raises:
        UserError: a generator cannot be trained, or an arm refuses its pairs.
        KeyboardInterrupt: stopped by Ctrl-C; finished cells and runs are kept.
    """
    for level in plan.levels:
        for arm in plan.arms:
            sets: tuple[SyntheticSet, ...] = ()
            notes: list[str] = []
            if arm.arm.synthetic:
                sets, notes = open_synthetic_sets([generators.drawn(arm, level)], level.regime, [arm.arm])
            bench = Bench(
                regime=level.regime,
                synthetic=dict(enumerate(sets)),
                segmenter=SEGMENTER,
                settings=changes(arm.augment),
                steps=plan.steps,
                batch=plan.batch,
                device=device,
                train=train,
            )
            results = []
            for cell in cells_of(plan, arm):
                folder = root / level.folder / "cells" / f"{arm.name}-seed{cell.seed}"
                title = f"{level.count} labelled, {arm.title}, seed {cell.seed}"
                known = is_finished(folder)
                with progress.console.status(progress.begin(title)):
                    if arm.own:
                        results.append(_own(arm, level, cell, folder, generators))
                    else:
                        results.append(run_cell(cell, folder, bench))
                progress.end(title, results[-1], trained=not known)
            slices = arm.arm.counts(len(level.regime.training)).total
            yield Point(level, arm, tuple(results), slices, sets[0].described() if sets else None, tuple(notes))


def _own(arm: CurveArm, level: Level, cell: Cell, folder: Path, generators: Generates) -> CellResult:
    if is_finished(folder):
        return read_cell(cell, folder)
    began = time.monotonic()
    assert arm.recipe is not None
    segmenter = generators.segmenter(arm.recipe, level)
    return score_cell(cell, folder, segmenter, level.regime, slices=len(level.regime.training), began=began)
