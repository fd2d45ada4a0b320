"""The generators of a curve: one for each recipe and number of labelled subjects, trained, drawn from, and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from segmint.errors import UserError, WaitingForPerson
from segmint.evaluation.curve.plan import CurveArm, CurvePlan, GeneratorOrders, Level
from segmint.evaluation.scoring import Predicts
from segmint.synthesis.opened_run import OpenedRun
from segmint.synthesis.sample import sample
from segmint.training.run_folder import RunFolder
from segmint.training.segmenter import Segmenter
from segmint.training.train import train

KIND = "curve generator"


@dataclass(frozen=True)
class CurveGenerator:
    """One recipe with one number of labelled subjects; a job of `segmint.evaluation.jobs`.

    Attributes:
        pairs: how many are drawn.
        folder: gets the run (`run`) and the synthetic dataset (`synthetic`).
        reuse: the run of the fewest labels, whose stages that see none are taken over; None for that run itself.
    """

    recipe: str
    dataset: Path
    size: int
    axis: int | None
    orders: GeneratorOrders
    labelled: int
    words: str
    seed: int
    pairs: int
    folder: Path
    reuse: Path | None
    device: str
    progress: bool

    @property
    def run_folder(self) -> Path:
        """Where it is trained."""
        return self.folder / "run"

    @property
    def target(self) -> Path:
        """Where its pairs lie."""
        return self.folder / "synthetic"

    @property
    def title(self) -> str:
        """The generator in words."""
        return f"{self.recipe}, {self.words}"

    @property
    def finished(self) -> bool:
        """Whether its pairs were drawn."""
        return (self.target / "dataset.json").is_file()

    def run(self) -> None:
        """Train and draw, going on from what is there.

        Raises:
            UserError: something in the orders is wrong, it diverged, or no pairs can be drawn.
            KeyboardInterrupt: stopped by Ctrl-C; the same call goes on.
        """
        if not ((self.run_folder / "config.json").is_file() and RunFolder(self.run_folder).status == "done"):
            self.train()
        if not self.finished:
            sample(self.run_folder, n=self.pairs, seed=self.seed, out=self.target, overwrite=True, device=self.device)

    def train(self, *, dry_run: bool = False, device: str | None = None) -> None:
        """Train, or see whether it can be trained.

        Raises:
            UserError: it cannot, or it diverged.
        """
        orders, begun = self.orders, not dry_run and (self.run_folder / "config.json").is_file()
        try:
            train(
                self.recipe,
                self.dataset,
                out=self.run_folder,
                size=self.size,
                axis=self.axis,
                kimg=orders.kimg,
                batch=orders.batch,
                preset=orders.preset,
                capacity=orders.capacity,
                settings=(orders.settings or {}).get(self.recipe),
                labelled_subjects=self.labelled,
                unlabelled="auto",
                seed=self.seed,
                reuse=self.reuse,
                resume=begun,
                # A call that was stopped before it wrote its configuration has left nothing to keep.
                overwrite=not begun,
                device=device or self.device,
                precision=orders.precision,
                threads=orders.threads,
                dry_run=dry_run,
                progress=self.progress and not dry_run,
            )
        except WaitingForPerson as error:
            raise UserError(
                f"{self.recipe} waits for labels that a person gives, which a curve cannot: leave it out, or choose settings of it "
                f"(--set {self.recipe}.KEY=VALUE) that need none."
            ) from error
        except UserError as error:
            # A setting is that of one recipe here.
            said = str(error).replace("--set ", f"--set {self.recipe}.")
            raise UserError(f"{self.recipe} with {self.words}: {said}") from error

    def as_json(self) -> dict[str, Any]:
        """Everything by name, path or number."""
        paths = {"dataset": self.dataset, "folder": self.folder, "reuse": self.reuse}
        return {
            "kind": KIND,
            **asdict(self),
            **{key: None if path is None else str(path.resolve()) for key, path in paths.items()},
        }

    def began(self) -> str:
        """Nothing: a generator speaks for itself."""
        return ""

    def failed(self) -> None:
        """Nothing."""

    def ended(self, *, trained: bool) -> None:
        """Say so, once."""
        if trained:
            console = Console(stderr=True, quiet=not self.progress)
            console.print(f"{self.title}: {self.pairs} pairs drawn", highlight=False)


def read_curve_generator(content: Mapping[str, Any]) -> CurveGenerator:
    """The job that `CurveGenerator.as_json` told of."""
    paths = {key: None if content[key] is None else Path(content[key]) for key in ("dataset", "folder", "reuse")}
    plain = {key: value for key, value in content.items() if key not in ("kind", "orders", *paths)}
    return CurveGenerator(orders=GeneratorOrders(**content["orders"]), **plain, **paths)  # type: ignore[arg-type]


def run_segmenter(run: Path, device: str) -> Predicts:
    """The segmenter that a finished run gives.

    Raises:
        UserError: its files are damaged.
    """
    opened = OpenedRun.at(run, checkpoint="auto", device=device)
    return Segmenter(opened.segmenter_stage(), opened.hardware.device)


@dataclass(frozen=True)
class Generators:
    """All of a curve's, in `root`."""

    plan: CurvePlan
    root: Path
    device: str
    progress: bool

    def check(self, *, anew: bool, device: str) -> None:
        """Whether every recipe can be trained with the fewest labels, before anything is trained.

        Args:
            anew: what is there will be cleared away; else what was begun has been checked.
            device: where this is found out.

        Raises:
            UserError: one cannot.
        """
        for recipe in self.plan.recipes:
            first = self._generator(recipe, self.plan.levels[0])
            if anew or not (first.run_folder / "config.json").is_file():
                first.train(dry_run=True, device=device)

    def batches(self, level: Level) -> list[Sequence[CurveGenerator]]:
        """What the arms with pairs of a level need, in this order: what sees no labels is trained in the first runs."""
        levels = [self.plan.levels[0], *([] if level is self.plan.levels[0] else [level])]
        return [[self._generator(recipe, one) for recipe in self.plan.recipes] for one in levels]

    def drawn(self, arm: CurveArm, level: Level) -> Path:
        """The pairs of an arm's recipe, as a dataset, once the batches of the level are done."""
        assert arm.recipe is not None
        return self._generator(arm.recipe, level).target

    def run(self, recipe: str, level: Level) -> Path:
        """The run of a recipe with the labels of a level, likewise."""
        return self._generator(recipe, level).run_folder

    def segmenter(self, recipe: str, level: Level) -> Predicts:
        """The segmenter that a recipe's run gives.

        Raises:
            UserError: its files are damaged.
        """
        return run_segmenter(self.run(recipe, level), self.device)

    def _generator(self, recipe: str, level: Level) -> CurveGenerator:
        plan = self.plan
        first = self.root / plan.levels[0].folder / "generators" / recipe
        mixed = next(arm.arm for arm in plan.arms if arm.recipe == recipe and arm.arm.synthetic)
        return CurveGenerator(
            recipe=recipe,
            dataset=plan.dataset.root,
            size=plan.size,
            axis=plan.axis,
            orders=plan.orders,
            labelled=level.count,
            words=level.words,
            seed=plan.seed,
            pairs=mixed.counts(len(level.regime.training)).synthetic,
            folder=self.root / level.folder / "generators" / recipe,
            reuse=None if level is plan.levels[0] else first / "run",
            device=self.device,
            progress=self.progress,
        )
