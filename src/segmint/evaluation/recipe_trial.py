"""A trial that trains its own generators, and may ask the gate how many of their pairs to add."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from segmint.data.dataset import open_dataset
from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.evaluation.arms import REAL_ARM, Arm, parse_arm
from segmint.evaluation.cells import CellResult, TrainsSegmenter, read_cell
from segmint.evaluation.conduct import cell_jobs, cell_plan
from segmint.evaluation.curation.curate import RESULT as CURATION
from segmint.evaluation.design import Design
from segmint.evaluation.folds import note_few_tested
from segmint.evaluation.gate import FOLDS, SEEDS, SHARES, Choice, candidate_arms, choose, inner_splits
from segmint.evaluation.generator import DrawsPairs, GeneratorOrders, check_generator, drawn_pairs
from segmint.evaluation.jobs.cell_job import CellJob
from segmint.evaluation.jobs.executor import carry_out
from segmint.evaluation.jobs.job import Plan
from segmint.evaluation.jobs.orders import IN_ORDER, JobOrders
from segmint.evaluation.jobs.pairs_job import PairsJob
from segmint.evaluation.outcome import conclude, write_outcome
from segmint.evaluation.pooling import Fold
from segmint.evaluation.summary import collect_scores
from segmint.evaluation.trial_folder import again, opened_trial_folder
from segmint.outputs import write_json


@dataclass(frozen=True)
class GateOrders:
    """What the gate looks at: `shares` of synthetic pairs in percent, in so many `folds`, with so many `seeds` each."""

    shares: tuple[int, ...] = SHARES
    folds: int = FOLDS
    seeds: int = SEEDS


class MakesDesign(Protocol):
    """Resolves a trial of these arms; everything else about it is fixed."""

    def __call__(
        self,
        synthetic: Sequence[Path],
        *,
        arms: Sequence[str],
        seeds: int,
        split: Split | None,
        repeat: str | None,
        size: int | None,
        axis: int | None,
    ) -> Design: ...


@dataclass(frozen=True)
class RecipeTrial:
    """A trial whose synthetic sets are made on the way.

    Attributes:
        arms: as asked for; the gated one is resolved by the gate.
        given: synthetic sets for the arms, where the generators are for the gate alone.
        size, axis, repeat: as in `segmint.trial`; split: in the place of the dataset's own.
        generator_seeds: generators trained for the trial itself; seed k of every arm with F takes set k modulo their number.
        jobs: where generators and cells are trained.
    """

    dataset: Path
    arms: tuple[Arm, ...]
    seeds: int
    generator: GeneratorOrders
    generator_seeds: int
    gate: GateOrders
    make: MakesDesign
    device: str
    progress: bool
    train: TrainsSegmenter
    draw: DrawsPairs = drawn_pairs
    given: tuple[Path, ...] = ()
    size: int | None = None
    axis: int | None = None
    repeat: str | None = None
    split: Split | None = None
    jobs: JobOrders = IN_ORDER

    @property
    def gated(self) -> bool:
        """Whether one of the arms is the gate's."""
        return any(arm.gated for arm in self.arms)

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
        with opened_trial_folder(out, settings, overwrite=overwrite, inputs=[*real.inputs, *self.given]):
            try:
                with self.jobs.carried_out(out, threads=threads, device=self.device, console=console) as executor:
                    (found,) = carry_out([self.plan(real, out, threads=threads)], executor)
            except KeyboardInterrupt:
                console.print(
                    f"stopped; what is finished is kept in {out}. To go on: {again(overwrite=overwrite)}",
                    highlight=False,
                )
                raise
            # What folds would refuse is not advised.
            advice = note_few_tested(real.regime.split) if real.subset is None and not self.given else []
            design = replace(found.design, notes=(*found.design.notes, *advice))
            content = conclude(design, found.results, gate=found.choice)
            write_outcome(out, content)
        return content

    def plan(self, real: Design, out: Path, *, threads: int, where: str = "") -> Plan[Fold]:
        """Choose, train generators, draw, run all cells under `out`, going on from what is there.

        Args:
            real: what `resolved` gave; threads: CPU threads of every training.
            where: said before every line, where several trials run at a time.

        Raises:
            UserError: an arm refuses a set.
        """
        place = _Place(out, threads, where)
        choice = (yield from self._choose(real, place)) if self.gated else None
        trained = resolve(self.arms, choice)
        sets: list[Path] = []
        if any(arm.synthetic for arm in trained):
            sets = yield from self._sets(real, trained, place)
        design = self._designed(real, sets, trained, seeds=self.seeds, split=real.regime.split)
        found = yield from cell_plan(self._cells(design, place))
        return Fold(design, tuple(_as_asked(found, self.arms, choice)), choice)

    def resolved(self) -> Design:
        """Split, size, axis and what is repeated, by the given sets where there are any, before anything is trained."""
        asked = [arm for arm in self.arms if not arm.gated]
        if not any(arm.content == REAL_ARM for arm in asked):
            asked.insert(0, parse_arm(REAL_ARM))
        if self.given:
            shown = [*asked, *(candidate_arms(self.gate.shares) if self.gated else ())]
            arms = list(dict.fromkeys(shown))
        else:
            arms = [arm for arm in asked if not arm.synthetic]
        repeating = any(arm.repeated for arm in self.arms)
        # An arm of repeated slices beside pairs is not among them yet.
        repeat = self.repeat if any(arm.repeated for arm in arms) or not repeating else None
        return self.make(
            self.given,
            arms=[arm.name for arm in arms],
            seeds=self.seeds,
            split=self.split,
            repeat=repeat,
            size=self.size,
            axis=self.axis,
        )

    def _designed(self, real: Design, sets: Sequence[Path], arms: Sequence[Arm], *, seeds: int, split: Split) -> Design:
        """A trial of these arms on another split, on the same grid."""
        return self.make(
            sets,
            arms=[arm.name for arm in arms],
            seeds=seeds,
            split=split,
            repeat=self.repeat if any(arm.repeated for arm in arms) else None,
            size=real.regime.slices.size,
            axis=real.regime.slices.axis,
        )

    def check(self, real: Design, out: Path) -> None:
        """Refuse what is wrong in the orders, before anything is written.

        Raises:
            UserError: something is.
        """
        if self.generator_seeds < 1:
            raise UserError(f"--generator-seeds {self.generator_seeds}: at least one is needed.")
        if self.generator_seeds > self.seeds:
            raise UserError(
                f"--seeds {self.seeds} cannot use {self.generator_seeds} generators: give at least as many seeds."
            )
        if not self.gated and not any(arm.synthetic for arm in self.arms):
            raise UserError(
                f"--recipe {self.generator.recipe}: no arm would use its pairs; name one with F, such as 100F, or leave it out."
            )
        for arm in self.arms:
            if not arm.gated:
                arm.counts(len(real.regime.training))
        if real.real_slices is not None:
            raise UserError(
                "--real-slices: generators learn from whole subjects, so use a stored --subset of them with --recipe."
            )
        for path in self.given:
            if self.generator.curate != (path / CURATION).is_file():
                raise UserError(
                    f"{path} is {'not ' if self.generator.curate else ''}curated, and the gate would judge pairs that are"
                    f"{'' if self.generator.curate else ' not'}: give --curate and what segmint curate wrote, or neither."
                )
        if self.draw is drawn_pairs:
            check_generator(
                self.generator,
                self.dataset,
                split=real.regime.split,
                subset=real.subset,
                size=real.regime.slices.size,
                axis=real.regime.slices.axis,
                beside=out,
                device=self.jobs.device_here(self.device),
            )
        if not self.gated:
            return
        if not any(arm.name == REAL_ARM for arm in self.arms):
            raise UserError(f"--arms: the gate's arm is compared with {REAL_ARM}; name that too.")
        if self.gate.seeds < 1:
            raise UserError(f"--gate-seeds {self.gate.seeds}: at least one is needed.")
        candidate_arms(self.gate.shares)
        for split in inner_splits(real.regime.split, real.regime.labelled, folds=self.gate.folds):
            try:
                self._designed(real, [], [parse_arm(REAL_ARM)], seeds=1, split=split)
            except UserError as error:
                raise UserError(f"--gate-folds {self.gate.folds} leaves a fold that cannot be used: {error}") from error

    def settings(self, real: Design) -> dict[str, Any]:
        """All that decides the result, as JSON."""
        return real.settings() | {
            "arms": [arm.name for arm in self.arms],
            "generator": self.generator.as_json() | {"seeds": self.generator_seeds},
            "synthetic": [open_dataset(path).identity for path in self.given],
            "gate": asdict(self.gate) if self.gated else None,
        }

    def _sets(self, real: Design, arms: Sequence[Arm], place: _Place) -> Plan[list[Path]]:
        """Those given, or one of each generator trained on the trial's own split."""
        if self.given:
            return list(self.given)
        jobs = []
        for seed in range(self.generator_seeds):
            inside = place.inside("generators", f"seed{seed}", words=f"generator {seed + 1}")
            jobs.append(self._pairs(real, real.regime.split, arms, seed=seed, place=inside))
        yield jobs
        return [job.target for job in jobs]

    def _pairs(self, real: Design, split: Split, arms: Sequence[Arm], *, seed: int, place: _Place) -> PairsJob:
        """A synthetic set that is large enough for the arms, of a generator that sees no subject tested here or later."""
        tested = Split(split.train, split.validation, tuple(dict.fromkeys((*split.test, *real.regime.split.test))))
        regime = self._designed(real, [], [parse_arm(REAL_ARM)], seeds=1, split=split).regime
        return PairsJob(
            title=place.where.removesuffix(", "),
            orders=replace(self.generator, threads=place.threads),
            dataset=self.dataset,
            split=tested,
            subset=real.subset,
            size=regime.slices.size,
            axis=regime.slices.axis,
            seed=seed,
            pairs=max(arm.counts(len(regime.training)).synthetic for arm in arms if arm.synthetic),
            folder=place.folder,
            steps=real.steps,
            batch=real.batch,
            device=self.device,
            progress=self.progress,
            draw=self.draw,
        )

    def _choose(self, real: Design, place: _Place) -> Plan[Choice]:
        """Train and test inside the training subjects: the generators of all folds, then all their cells."""
        console, gate = Console(stderr=True, quiet=not self.progress), place.inside("gate", words="gate")
        candidates = candidate_arms(self.gate.shares)
        regime = real.regime
        splits = inner_splits(regime.split, regime.labelled, folds=self.gate.folds)
        folds = [gate.inside(f"fold{number}", words=f"fold {number + 1}") for number in range(len(splits))]
        drawn = []
        for number, (split, fold) in enumerate(zip(splits, folds, strict=True)):
            console.print(
                f"{gate.where}fold {number + 1} of {len(splits)}: {len(split.train)} subjects to learn from, "
                f"{len(split.test)} to test on",
                highlight=False,
            )
            drawn.append(
                self._pairs(real, split, candidates, seed=number, place=fold.inside("generator", words="generator"))
            )
        yield drawn
        arms, jobs = [parse_arm(REAL_ARM), *candidates], []
        for job, split, fold in zip(drawn, splits, folds, strict=True):
            design = self._designed(real, [job.target], arms, seeds=self.gate.seeds, split=split)
            jobs.append(self._cells(design, fold))
        yield [job for cells in jobs for job in cells]
        tables: dict[str, list[NDArray[np.float64]]] = {}
        for cells in jobs:
            results = [read_cell(job.cell, job.folder) for job in cells]
            found = collect_scores(results, label_names=regime.dataset.label_names)
            for arm in found.arms:
                tables.setdefault(arm.name, []).append(found.by_subject(arm.name))
        joined = {name: np.concatenate(parts, axis=1) for name, parts in tables.items()}
        choice = choose([(arm, joined[arm.name]) for arm in candidates], joined[REAL_ARM])
        write_json(gate.folder / "gate.json", choice.as_json())
        console.print(f"{place.where}{choice.sentence}.", highlight=False)
        return choice

    def _cells(self, design: Design, place: _Place) -> list[CellJob]:
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


@dataclass(frozen=True)
class _Place:
    """Where a part of the trial is: its folder, and what is said before its lines; `threads` are those of all parts."""

    folder: Path
    threads: int
    where: str

    def inside(self, *folders: str, words: str) -> _Place:
        """A part of this part."""
        return _Place(self.folder.joinpath(*folders), self.threads, f"{self.where}{words}, ")


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
