"""A trial that trains its own generators, and may ask the gate how many of their pairs to add."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from segmint.evaluation.arms import REAL_ARM, Arm, parse_arm
from segmint.evaluation.cells import CellResult, read_cell
from segmint.evaluation.conduct import cell_jobs, cell_plan
from segmint.evaluation.design import Design
from segmint.evaluation.gate import candidate_arms, inner_splits
from segmint.evaluation.gate_choice import Choice, Looked, choose
from segmint.evaluation.generator import drops_none, kept_pairs
from segmint.evaluation.jobs.cell_job import CellJob
from segmint.evaluation.jobs.executor import carry_out
from segmint.evaluation.jobs.job import Plan
from segmint.evaluation.outcome import conclude, write_outcome
from segmint.evaluation.pooling import Fold
from segmint.evaluation.recipe_check import check_orders
from segmint.evaluation.recipe_orders import RecipeOrders
from segmint.evaluation.recipe_sets import Place, made_sets, pairs_job
from segmint.evaluation.summary import Scores, collect_scores
from segmint.evaluation.taken_generators import opened_with_generators
from segmint.evaluation.trial_folder import again
from segmint.outputs import write_json


@dataclass(frozen=True)
class RecipeTrial(RecipeOrders):
    """A trial whose synthetic sets are made on the way."""

    def conduct(self, out: Path, *, overwrite: bool) -> dict[str, Any]:
        """Train, draw, choose, run all cells, and write trial.json and trial.csv; goes on from what is in `out`.

        Returns:
            The content of trial.json.

        Raises:
            UserError: something in the orders or the dataset is wrong, or `out` holds something else.
            KeyboardInterrupt: stopped by Ctrl-C; the same call goes on.
        """
        real = self.resolved()
        self.check(real, out)
        threads = self.jobs.with_threads(out, overwrite=overwrite)
        settings = self.settings(real) | {"threads": threads}
        console = Console(stderr=True, quiet=not self.progress)
        taken, inputs = self.generators_of, self.inputs(real)
        with opened_with_generators(taken, out, settings, overwrite=overwrite, inputs=inputs, console=console):
            try:
                with self.jobs.carried_out(out, threads=threads, device=self.device, console=console) as executor:
                    (found,) = carry_out([self.plan(real, out, threads=threads)], executor)
            except KeyboardInterrupt:
                console.print(
                    f"stopped; what is finished is kept in {out}. To go on: {again(overwrite=overwrite)}",
                    highlight=False,
                )
                raise
            content = conclude(found.design, found.results, gate=found.choice, made_here=not self.given)
            write_outcome(out, content)
        return content

    def check(self, real: Design, out: Path) -> None:
        """As `check_orders`."""
        check_orders(self, real, out)

    def plan(self, real: Design, out: Path, *, threads: int, where: str = "") -> Plan[Fold]:
        """Choose, train generators, draw, run all cells under `out`, going on from what is there.

        Args:
            real: what `resolved` gave; threads: CPU threads of every training.
            where: said before every line, where several trials run at a time.

        Raises:
            UserError: an arm refuses a set.
        """
        place = Place(out, threads, where)
        choice = (yield from self._choose(real, place)) if self.gated else None
        trained = resolve(self.arms, choice)
        drawn, curated = yield from made_sets(self, real, trained, place)
        designs = self.designs(real, trained, drawn, curated, seeds=self.seeds, split=real.regime.split)
        found = yield from cell_plan([job for design in designs for job in self._cells(design, place)])
        whole = replace(
            designs[0],
            arms=trained,
            primary=self.compared,
            synthetic=tuple(one for design in designs for one in design.synthetic),
            notes=tuple(dict.fromkeys(note for design in designs for note in design.notes)),
        )
        return Fold(whole, tuple(_as_asked(found, self.arms, choice)), choice)

    def _choose(self, real: Design, place: Place) -> Plan[Choice]:
        """Train and test inside the training subjects: the generators of all folds, then all their cells."""
        console, gate = Console(stderr=True, quiet=not self.progress), place.inside("gate", words="gate")
        candidates = candidate_arms(self.gate.shares, self.filters)
        regime = real.regime
        marks = regime.slices.subjects_by_mark
        splits = inner_splits(regime.split, regime.labelled, folds=self.gate.folds, marks=marks)
        folds = [gate.inside(f"fold{number}", words=f"fold {number + 1}") for number in range(len(splits))]
        drawn, sizes = [], []
        for number, (split, fold) in enumerate(zip(splits, folds, strict=True)):
            console.print(
                f"{gate.where}fold {number + 1} of {len(splits)}: {len(split.train)} subjects to learn from, "
                f"{len(split.test)} to test on",
                highlight=False,
            )
            inner = self.designed(real, [], [parse_arm(REAL_ARM)], seeds=1, split=split, inner=True)
            sizes.append(len(inner.regime.training))
            inside = fold.inside("generator", words="generator")
            drawn.append(pairs_job(self, real, split, candidates, slices=sizes[-1], seed=number, place=inside))
        yield drawn
        missing = [
            arm
            for arm in candidates
            if arm.curated
            and any(kept_pairs(job.folder) < arm.counts(size).synthetic for job, size in zip(drawn, sizes, strict=True))
        ]
        unchanged = [
            arm
            for arm in candidates
            if arm.curated
            and arm not in missing
            and replace(arm, curated=False) in candidates
            and all(drops_none(job.folder, arm.counts(size).synthetic) for job, size in zip(drawn, sizes, strict=True))
        ]
        arms = [parse_arm(REAL_ARM), *(arm for arm in candidates if arm not in missing and arm not in unchanged)]
        jobs = []
        for job, split, fold in zip(drawn, splits, folds, strict=True):
            sets, curated = [job.target], [job.curated_target]
            designs = self.designs(real, arms, sets, curated, seeds=self.gate.seeds, split=split, inner=True)
            jobs.append([cell for design in designs for cell in self._cells(design, fold)])
        yield [job for cells in jobs for job in cells]
        found = [
            collect_scores(
                [read_cell(job.cell, job.folder, job.bench.regime) for job in cells],
                label_names=regime.dataset.label_names,
            )
            for cells in jobs
        ]
        real_alone, *others = [_looked(arm, found) for arm in arms]
        absent = np.concatenate([scores.absent for scores in found])
        choice = choose(others, real_alone, absent=absent, missing=missing, unchanged=unchanged)
        write_json(gate.folder / "gate.json", choice.as_json())
        console.print(f"{place.where}{choice.sentence}.", highlight=False)
        return choice

    def _cells(self, design: Design, place: Place) -> list[CellJob]:
        console = Console(stderr=True, quiet=not self.progress)
        return cell_jobs(
            design,
            place.folder,
            device=self.device,
            threads=place.threads,
            train=self.train,
            console=console,
            where=place.where,
        )


def _looked(arm: Arm, folds: Sequence[Scores]) -> Looked:
    """What an arm did in all folds of the gate."""
    scores = np.concatenate([scores.dice[arm.name] for scores in folds], axis=1)
    return Looked(arm, scores, [curve for scores in folds for curve in scores.curves[arm.name]])


def resolve(arms: Sequence[Arm], choice: Choice | None) -> tuple[Arm, ...]:
    """The arms to be trained: the gated one replaced by what the gate chose, each once."""
    return tuple(dict.fromkeys(choice.arm if arm.gated and choice is not None else arm for arm in arms))


def _as_asked(found: Sequence[CellResult], arms: Sequence[Arm], choice: Choice | None) -> list[CellResult]:
    """Results seed by seed in the order of `arms`; the gated arm's are those of what it stands for."""
    by_cell = {(result.cell.seed, result.cell.arm): result for result in found}
    results = []
    for seed in sorted({result.cell.seed for result in found}):
        for arm in arms:
            stands_for = choice.arm if arm.gated and choice is not None else arm
            result = by_cell[seed, stands_for]
            cell = replace(result.cell, arm=replace(stands_for, gated=arm.gated))
            results.append(replace(result, cell=cell))
    return results
