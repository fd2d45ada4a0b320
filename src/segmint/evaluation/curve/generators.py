"""The generators of a curve: one for each recipe and number of labelled subjects, trained, drawn from, and kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from segmint.errors import UserError
from segmint.evaluation.curve.plan import CurveArm, CurvePlan, Level
from segmint.evaluation.scoring import Predicts
from segmint.synthesis.open_run import OpenedRun
from segmint.synthesis.sample import sample
from segmint.training.run_folder import RunFolder
from segmint.training.segmenter import Segmenter
from segmint.training.train import train


@dataclass(frozen=True)
class Generators:
    """Trains and draws in `root`, going on from what is there."""

    plan: CurvePlan
    root: Path
    device: str
    progress: bool

    def check(self, *, anew: bool) -> None:
        """Whether every recipe can be trained with the fewest labels, before anything is trained.

        Args:
            anew: what is there will be cleared away; else what was begun has been checked.

        Raises:
            UserError: one cannot.
        """
        for recipe in self.plan.recipes:
            if anew or not (self._run(recipe, self.plan.levels[0]) / "config.json").is_file():
                self._train(recipe, self.plan.levels[0], dry_run=True)

    def trained(self, recipe: str, level: Level) -> Path:
        """The run of a recipe with the labels of a level.

        Raises:
            UserError: something in it is wrong, or it diverged.
            KeyboardInterrupt: stopped by Ctrl-C; the same call goes on.
        """
        run = self._run(recipe, level)
        if not ((run / "config.json").is_file() and RunFolder(run).status == "done"):
            self._train(recipe, level)
        return run

    def drawn(self, arm: CurveArm, level: Level) -> Path:
        """The pairs of an arm's recipe, as a dataset.

        Raises:
            UserError: no pairs can be drawn.
        """
        assert arm.recipe is not None
        run = self.trained(arm.recipe, level)
        pairs = run.with_name("synthetic")
        if not (pairs / "dataset.json").is_file():
            n = arm.arm.counts(len(level.regime.training)).synthetic
            sample(run, n=n, seed=self.plan.seed, out=pairs, overwrite=True, device=self.device)
        return pairs

    def segmenter(self, recipe: str, level: Level) -> Predicts:
        """The segmenter that a recipe's run gives.

        Raises:
            UserError: its files are damaged.
        """
        opened = OpenedRun.at(self.trained(recipe, level), checkpoint="auto", device=self.device)
        return Segmenter(opened.segmenter_stage(), opened.hardware.device)

    def _run(self, recipe: str, level: Level) -> Path:
        return self.root / level.folder / "generators" / recipe / "run"

    def _train(self, recipe: str, level: Level, *, dry_run: bool = False) -> None:
        plan, orders, run = self.plan, self.plan.orders, self._run(recipe, level)
        first = self._run(recipe, plan.levels[0])
        begun = not dry_run and (run / "config.json").is_file()
        try:
            train(
                recipe,
                plan.dataset.root,
                out=run,
                size=plan.size,
                axis=plan.axis,
                kimg=orders.kimg,
                batch=orders.batch,
                preset=orders.preset,
                capacity=orders.capacity,
                settings=(orders.settings or {}).get(recipe),
                labelled_subjects=level.count,
                unlabelled="auto",
                seed=plan.seed,
                # What sees no labels is trained once, in the first run.
                reuse=None if level is plan.levels[0] else first,
                resume=begun,
                # A call that was stopped before it wrote its configuration has left nothing to keep.
                overwrite=not begun,
                device=self.device,
                precision=orders.precision,
                threads=orders.threads,
                dry_run=dry_run,
                progress=self.progress and not dry_run,
            )
        except UserError as error:
            # A setting is that of one recipe here.
            said = str(error).replace("--set ", f"--set {recipe}.")
            raise UserError(f"{recipe} with {level.words}: {said}") from error
