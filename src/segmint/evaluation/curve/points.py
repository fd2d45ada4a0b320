"""The points of a curve: every arm at every number of labelled subjects, trained and scored once and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from segmint.evaluation.cells import Bench, Cell, CellResult, TrainsSegmenter, read_cell
from segmint.evaluation.curve.own_cell import OwnCell
from segmint.evaluation.curve.plan import CurveArm, CurvePlan, Level
from segmint.evaluation.jobs.cell_job import CellJob
from segmint.evaluation.jobs.job import Job, Plan
from segmint.evaluation.progress import CellProgress
from segmint.evaluation.scoring import Predicts
from segmint.evaluation.synthetic_sets import SyntheticSet, open_synthetic_sets


class Generates(Protocol):
    """Where pairs, and segmenters that come with them, are had from."""

    def batches(self, level: Level) -> Sequence[Sequence[Job]]:
        """What must be done before the others can be asked, in this order."""

    def drawn(self, arm: CurveArm, level: Level) -> Path:
        """The pairs of an arm's recipe, as a dataset."""

    def run(self, recipe: str, level: Level) -> Path:
        """The run that has a recipe's own segmenter."""

    def segmenter(self, recipe: str, level: Level) -> Predicts:
        """That segmenter."""


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


@dataclass(frozen=True)
class Ground:
    """What all levels of a curve share; `root` is its folder, `threads` those of every segmenter."""

    plan: CurvePlan
    root: Path
    generators: Generates
    train: TrainsSegmenter
    device: str
    threads: int
    progress: CellProgress


def level_plan(ground: Ground, level: Level) -> Plan[list[Point]]:
    """Every point of a level: first the arms without pairs, and what draws pairs, then the arms that need them.

    Raises:
        UserError: an arm refuses its pairs.
    """
    plan, jobs = ground.plan, {}
    first = []
    for arm in plan.arms:
        if arm.recipe is None:
            jobs[arm.name] = _cells(ground, level, arm, ())
            first += jobs[arm.name]
    batches = ground.generators.batches(level) or [[]]
    yield [*first, *batches[0]]
    yield from batches[1:]
    sets: dict[str, tuple[SyntheticSet, ...]] = {}
    notes: dict[str, list[str]] = {}
    later: list[Job] = []
    for arm in plan.arms:
        if arm.recipe is not None:
            if arm.arm.synthetic:
                drawn = ground.generators.drawn(arm, level)
                sets[arm.name], notes[arm.name] = open_synthetic_sets([drawn], level.regime, [arm.arm])
            jobs[arm.name] = _cells(ground, level, arm, sets.get(arm.name, ()))
            later += jobs[arm.name]
    yield later
    return [
        Point(
            level,
            arm,
            tuple(read_cell(job.cell, job.folder, level.regime) for job in jobs[arm.name]),
            arm.arm.counts(len(level.regime.training)).total,
            sets[arm.name][0].described() if arm.name in sets else None,
            tuple(notes.get(arm.name, ())),
        )
        for arm in plan.arms
    ]


def _cells(ground: Ground, level: Level, arm: CurveArm, sets: Sequence[SyntheticSet]) -> list[CellJob | OwnCell]:
    """An arm's cells at a level, as jobs."""
    segmenter = ground.plan.segmenter
    bench = Bench(
        regime=level.regime,
        synthetic=dict(enumerate(sets)),
        segmenter=segmenter.recipe,
        preset=segmenter.preset,
        capacity=segmenter.capacity,
        settings=segmenter.changes(arm.augment),
        steps=ground.plan.steps,
        batch=ground.plan.batch,
        device=ground.device,
        train=ground.train,
        threads=ground.threads,
    )
    jobs: list[CellJob | OwnCell] = []
    for cell in cells_of(ground.plan, arm):
        folder = ground.root / level.folder / "cells" / f"{arm.name}-seed{cell.seed}"
        title = f"{level.count} labelled, {arm.title}, seed {cell.seed}"
        if arm.own and arm.recipe is not None:
            run = ground.generators.run(arm.recipe, level)
            opens = partial(_own_segmenter, ground, arm.recipe, level)
            jobs.append(OwnCell(cell, folder, level.regime, run, ground.device, opens, title, ground.progress))
        else:
            jobs.append(CellJob(cell, folder, bench, ground.progress, title))
    return jobs


def _own_segmenter(ground: Ground, recipe: str, level: Level) -> Predicts:
    """Opened when it is needed: until then it may not be there."""
    return ground.generators.segmenter(recipe, level)
