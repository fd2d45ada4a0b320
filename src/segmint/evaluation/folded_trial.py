"""A trial cross-validated over all subjects: every fold a trial with generators of its own, their scores pooled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from segmint.data.dataset import open_dataset
from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.evaluation.arms import Arm
from segmint.evaluation.cells import TrainsSegmenter
from segmint.evaluation.conduct import cell_jobs, cell_plan
from segmint.evaluation.design import Design
from segmint.evaluation.folds import splits_of
from segmint.evaluation.jobs.executor import carry_out
from segmint.evaluation.jobs.job import Plan
from segmint.evaluation.jobs.orders import IN_ORDER, JobOrders
from segmint.evaluation.outcome import conclude, write_outcome
from segmint.evaluation.pooling import Fold, FoldedChoice, pool_results
from segmint.evaluation.recipe_orders import MakesDesign
from segmint.evaluation.taken_generators import opened_with_generators
from segmint.evaluation.trial_folder import again


class FoldTrial(Protocol):
    """The trial of one fold, which `segmint.evaluation.recipe_trial.RecipeTrial` is too."""

    def resolved(self) -> Design:
        """Its real side."""

    def check(self, real: Design, out: Path) -> None:
        """Refuse what is wrong before anything is written."""

    def inputs(self, real: Design) -> list[Path]:
        """Folders that are read."""

    def settings(self, real: Design) -> dict[str, Any]:
        """All that decides its result."""

    def plan(self, real: Design, out: Path, *, threads: int, where: str = "") -> Plan[Fold]:
        """Train and score under `out`, going on from what is there."""


@dataclass(frozen=True)
class RealTrial:
    """The trial of one fold whose arms need no generator."""

    arms: tuple[Arm, ...]
    seeds: int
    make: MakesDesign
    split: Split | None
    size: int | None
    axis: int | None
    repeat: str | None
    device: str
    progress: bool
    train: TrainsSegmenter
    jobs: JobOrders = IN_ORDER

    def resolved(self) -> Design:
        """The whole of it."""
        return self.make(
            (),
            arms=[arm.name for arm in self.arms],
            seeds=self.seeds,
            split=self.split,
            repeat=self.repeat,
            size=self.size,
            axis=self.axis,
        )

    def check(self, real: Design, out: Path) -> None:
        """Nothing is left to refuse."""

    def inputs(self, real: Design) -> list[Path]:
        """Those of its design."""
        return real.inputs

    def settings(self, real: Design) -> dict[str, Any]:
        """Those of its design."""
        return real.settings()

    def plan(self, real: Design, out: Path, *, threads: int, where: str = "") -> Plan[Fold]:
        """All cells."""
        console = Console(stderr=True, quiet=not self.progress)
        jobs = cell_jobs(real, out, device=self.device, threads=threads, train=self.train, console=console, where=where)
        found = yield from cell_plan(jobs)
        return Fold(real, tuple(found))


@dataclass(frozen=True)
class FoldedTrial:
    """So many `folds` over all labelled subjects of `dataset`; `at` makes the trial of a split, `jobs` says where all train.

    `generators_of`: a folded trial whose finished generators are taken instead of training the same ones.
    """

    dataset: Path
    folds: int
    at: Callable[[Split], FoldTrial]
    device: str
    progress: bool
    jobs: JobOrders = IN_ORDER
    generators_of: Path | None = None

    def conduct(self, out: Path, *, overwrite: bool) -> dict[str, Any]:
        """Run every fold under `out/foldK`, pool the scores by subject, write trial.json and trial.csv.

        Returns:
            The content of trial.json.

        Raises:
            UserError: a fold cannot be run, something else is wrong, or `out` holds something else.
            KeyboardInterrupt: stopped by Ctrl-C; the same call goes on.
        """
        opened = open_dataset(self.dataset)
        splits = splits_of(opened, self.folds)
        trials = [self.at(split) for split in splits]
        designs = []
        for number, one in enumerate(trials):
            try:
                designs.append(one.resolved())
                one.check(designs[-1], out)
            except UserError as error:
                raise UserError(f"Fold {number + 1} of --folds {self.folds} cannot be used: {error}") from error
        threads = self.jobs.with_threads(out, overwrite=overwrite)
        # What is training follows from the folds, so other folds are named as such first.
        settings = {key: value for key, value in trials[0].settings(designs[0]).items() if key != "training"} | {
            "split": None,
            "folds": [asdict(split) for split in splits],
            "training": [design.regime.described_training() for design in designs],
            "threads": threads,
        }
        console = Console(stderr=True, quiet=not self.progress, highlight=False)
        taken, inputs = self.generators_of, trials[0].inputs(designs[0])
        with opened_with_generators(taken, out, settings, overwrite=overwrite, inputs=inputs, console=console):

            def fold(number: int) -> Plan[Fold]:
                design, where = designs[number], f"fold {number + 1}"
                console.print(f"{where} of {self.folds}: {len(design.regime.split.test)} subjects to test on")
                plan = trials[number].plan(design, out / f"fold{number}", threads=threads, where=f"{where}, ")
                return (yield from plan)

            try:
                with self.jobs.carried_out(out, threads=threads, device=self.device, console=console) as executor:
                    finished = carry_out([fold(number) for number in range(self.folds)], executor)
            except KeyboardInterrupt:
                console.print(f"stopped; what is finished is kept in {out}. To go on: {again(overwrite=overwrite)}")
                raise
            choices = [fold.choice for fold in finished if fold.choice is not None]
            content = conclude(
                finished[0].design,
                pool_results(finished),
                gate=FoldedChoice(choices) if choices else None,
                folds=finished,
            )
            write_outcome(out, content)
        return content


def refuse_folds(
    arms: tuple[Arm, ...], *, generator: bool, sets: bool, subset: str | None, real_slices: int | None
) -> None:
    """Refuse what cannot be cross-validated.

    Raises:
        UserError: the trial would need pairs whose generator has seen tested subjects, or takes part of the subjects alone.
    """
    if sets:
        raise UserError("--folds trains generators in each fold, so takes no synthetic dataset: name --recipe instead.")
    if not generator and any(arm.synthetic or arm.gated for arm in arms):
        raise UserError("--folds trains generators in each fold: name their recipe with --recipe, or arms without F.")
    for flag, value in (("--subset", subset), ("--real-slices", real_slices)):
        if value is not None:
            raise UserError(f"{flag} picks from one training part, and --folds makes its own: leave one of them out.")
