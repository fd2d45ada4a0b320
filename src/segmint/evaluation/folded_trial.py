"""A trial cross-validated over all subjects: every fold a trial with generators of its own, their scores pooled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from segmint.data.dataset import open_dataset
from segmint.data.split import make_split
from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.evaluation.arms import Arm
from segmint.evaluation.cells import TrainsSegmenter
from segmint.evaluation.conduct import run_cells
from segmint.evaluation.design import SPLIT_SEED, Design
from segmint.evaluation.folds import outer_splits
from segmint.evaluation.outcome import conclude, write_outcome
from segmint.evaluation.pooling import Fold, FoldedChoice, pool_results
from segmint.evaluation.recipe_trial import MakesDesign
from segmint.evaluation.trial_folder import again, opened_trial_folder


class FoldTrial(Protocol):
    """The trial of one fold, which `segmint.evaluation.recipe_trial.RecipeTrial` is too."""

    def resolved(self) -> Design:
        """Its real side."""

    def check(self, real: Design, out: Path) -> None:
        """Refuse what is wrong before anything is written."""

    def settings(self, real: Design) -> dict[str, Any]:
        """All that decides its result."""

    def run(self, real: Design, out: Path) -> Fold:
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

    def settings(self, real: Design) -> dict[str, Any]:
        """Those of its design."""
        return real.settings()

    def run(self, real: Design, out: Path) -> Fold:
        """All cells."""
        console = Console(stderr=True, quiet=not self.progress)
        return Fold(real, tuple(run_cells(real, out, device=self.device, train=self.train, console=console)))


@dataclass(frozen=True)
class FoldedTrial:
    """So many `folds` over all labelled subjects of `dataset`; `at` makes the trial of a split."""

    dataset: Path
    folds: int
    at: Callable[[Split], FoldTrial]
    progress: bool

    def conduct(self, out: Path, *, overwrite: bool) -> dict[str, Any]:
        """Run every fold under `out/foldK`, pool the scores by subject, write trial.json and trial.csv.

        Returns:
            The content of trial.json.

        Raises:
            UserError: a fold cannot be run, something else is wrong, or `out` holds something else.
            KeyboardInterrupt: stopped by Ctrl-C; the same call goes on.
        """
        opened = open_dataset(self.dataset)
        splits = outer_splits(opened.split or make_split(opened.subjects, seed=SPLIT_SEED), self.folds)
        trials = [self.at(split) for split in splits]
        designs = []
        for number, one in enumerate(trials):
            try:
                designs.append(one.resolved())
                one.check(designs[-1], out)
            except UserError as error:
                raise UserError(f"Fold {number + 1} of --folds {self.folds} cannot be used: {error}") from error
        settings = trials[0].settings(designs[0]) | {"split": None, "folds": [asdict(split) for split in splits]}
        console = Console(stderr=True, quiet=not self.progress, highlight=False)
        with opened_trial_folder(out, settings, overwrite=overwrite, inputs=[opened.root]):
            finished = []
            try:
                for number, (one, design) in enumerate(zip(trials, designs, strict=True)):
                    console.print(
                        f"fold {number + 1} of {self.folds}: {len(design.regime.split.test)} subjects to test on"
                    )
                    finished.append(one.run(design, out / f"fold{number}"))
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
