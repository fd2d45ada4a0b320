"""The cells of a trial, arms x seeds, each trained and scored once and kept."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, FiniteFloat, NonNegativeFloat, StrictInt, ValidationError

from segmint.data.pool import PairPool, PoolPart
from segmint.data.sidecar import first_complaint
from segmint.errors import UserError
from segmint.evaluation.arm_pool import build_pool
from segmint.evaluation.arms import Arm
from segmint.evaluation.regime import Regime
from segmint.evaluation.scoring import Predicts, score_subjects
from segmint.evaluation.subject_metrics import METRICS, metrics_of_counts
from segmint.evaluation.synthetic_sets import SyntheticSet
from segmint.metrics.dice import dice
from segmint.outputs import read_object, write_json
from segmint.training.precision import choose_hardware
from segmint.training.run_folder import RunFolder
from segmint.training.segmenter import learning_curve

RESULT = "result.json"
_Count = Annotated[StrictInt, Field(ge=0)]


@dataclass(frozen=True)
class Cell:
    """One arm with one seed; `synthetic` is the number of the synthetic set it takes F from."""

    arm: Arm
    seed: int
    synthetic: int | None

    @property
    def name(self) -> str:
        """Folder of the cell."""
        return f"{self.arm.name}-seed{self.seed}"

    @property
    def title(self) -> str:
        """The cell in words."""
        return f"{self.arm.name}, seed {self.seed}"


@dataclass(frozen=True)
class Cost:
    """Seconds that passed, and seconds of processor time of all threads."""

    seconds: float
    core_seconds: float


def now() -> Cost:
    """Two clocks whose differences tell what something cost."""
    return Cost(time.monotonic(), time.process_time())


@dataclass(frozen=True)
class CellResult:
    """What one cell found.

    Attributes:
        counts: overlap counts [K, 3] by test subject.
        curve: (images shown, validation Dice) as it learned.
        metrics: by test subject and name float64 [K - 1]; empty for a cell that kept overlap counts alone.
    """

    cell: Cell
    counts: dict[str, NDArray[np.int64]]
    curve: list[tuple[int, float]]
    metrics: Mapping[str, Mapping[str, NDArray[np.float64]]] = field(default_factory=dict)

    def dice(self, subject: str) -> NDArray[np.float64]:
        """Dice of each label but the background, NaN where a label is absent."""
        return dice(self.counts[subject])[1:]

    def measured(self, subject: str) -> dict[str, NDArray[np.float64]]:
        """Every metric of each label but the background, NaN where there is no value."""
        counts = self.counts[subject]
        found = {**metrics_of_counts(counts), **self.metrics.get(subject, {})}
        return {metric.name: found.get(metric.name, np.full(len(counts) - 1, np.nan)) for metric in METRICS}


class _Result(BaseModel):
    """What is read of result.json: overlap counts [K, 3], points of the curve, metrics of K - 1 labels."""

    counts: dict[str, list[tuple[_Count, _Count, _Count]]]
    curve: list[tuple[StrictInt, FiniteFloat | None]]
    metrics: dict[str, dict[str, list[float | None]]] = {}
    seconds: NonNegativeFloat | None = None
    core_seconds: NonNegativeFloat | None = None

    def misfit(self, regime: Regime) -> str | None:
        """What says that it was written for other subjects or labels; None where nothing does."""
        tested, labels = set(regime.tested), len(regime.dataset.label_names)
        # Earlier versions kept counts alone.
        for name, told in (("counts", self.counts), ("metrics", self.metrics or self.counts)):
            if other := sorted(told.keys() ^ tested):
                where = "is no test subject" if other[0] in told else "is missing"
                return f'"{name}": subject {other[0]} {where}'
        for subject, counts in self.counts.items():
            if len(counts) != labels:
                return f'"counts.{subject}": {len(counts)} labels instead of {labels}'
        for subject, metrics in self.metrics.items():
            for name, values in metrics.items():
                if len(values) != labels - 1:
                    return f'"metrics.{subject}.{name}": {len(values)} labels instead of {labels - 1}'
        return None


class TrainsSegmenter(Protocol):
    """How a cell gets its segmenter."""

    def __call__(
        self,
        recipe: str,
        pool: PairPool,
        validation: PairPool,
        *,
        folder: Path,
        steps: int,
        batch: int,
        seed: int,
        device: str,
        threads: int | None,
        preset: str,
        capacity: str | None,
        settings: Mapping[str, str],
    ) -> Predicts:
        """Train in `folder`, going on from what is there."""


@dataclass(frozen=True)
class Bench:
    """What all cells share; `synthetic` are the sets by their number, `threads` those of every training.

    `preset`, `capacity` and `settings` are of the segmenter's recipe; `tolerance` of the normalised surface Dice.
    """

    regime: Regime
    synthetic: Mapping[int, SyntheticSet]
    segmenter: str
    settings: Mapping[str, str]
    steps: int
    batch: int
    device: str
    train: TrainsSegmenter
    repeat: int | None = None
    threads: int | None = None
    preset: str = "repaired"
    capacity: str | None = None
    tolerance: float | None = None


def plan_cells(arms: Sequence[Arm], *, seeds: int, synthetic_sets: int) -> tuple[Cell, ...]:
    """All cells, seed by seed, so that every arm has something to show early.

    With several synthetic sets, seed k of every arm with F takes set k modulo their number.
    """
    return tuple(
        Cell(arm, seed, seed % synthetic_sets if arm.synthetic else None) for seed in range(seeds) for arm in arms
    )


def is_finished(folder: Path) -> bool:
    """Whether a cell was trained and scored before."""
    return (folder / RESULT).is_file()


def run_cell(cell: Cell, folder: Path, bench: Bench) -> CellResult:
    """Train and score one cell in `folder`, or read what it found before.

    All arms have the same steps, batch and, for one seed, the same first weights; the last checkpoint is scored.

    Raises:
        UserError: the folder belongs to another training, or a file of the dataset is damaged.
    """
    if is_finished(folder):
        return read_cell(cell, folder, bench.regime)
    _forget_what_began_elsewhere(folder, bench)
    regime, began = bench.regime, now()
    pool = build_pool(
        cell.arm,
        real=regime.slices,
        indices=regime.training,
        synthetic=None if cell.synthetic is None else bench.synthetic[cell.synthetic],
        seed=cell.seed,
        repeat=bench.repeat,
    )
    segmenter = bench.train(
        bench.segmenter,
        pool,
        PairPool([PoolPart(regime.slices, regime.validation)]),
        folder=folder,
        steps=bench.steps,
        batch=bench.batch,
        seed=cell.seed,
        device=bench.device,
        threads=bench.threads,
        preset=bench.preset,
        capacity=bench.capacity,
        settings=bench.settings,
    )
    return score_cell(
        cell,
        folder,
        segmenter,
        regime,
        slices=len(pool),
        began=began,
        curve=learning_curve(folder),
        tolerance=bench.tolerance,
    )


def _forget_what_began_elsewhere(folder: Path, bench: Bench) -> None:
    """A cell without a result goes on only where it ends bit for bit the same; on other hardware it is trained anew."""
    if not (folder / "config.json").is_file():
        return
    begun = RunFolder(folder).config
    now = asdict(choose_hardware(device=bench.device, threads=bench.threads))
    if bench.capacity is not None:
        now["capacity"] = bench.capacity
    if any(begun.get(key) != value for key, value in now.items()):
        for left in (folder / "config.json", folder / "state.json", folder / "log.jsonl"):
            left.unlink(missing_ok=True)
        shutil.rmtree(folder / "stages", ignore_errors=True)


def score_cell(
    cell: Cell,
    folder: Path,
    segmenter: Predicts,
    regime: Regime,
    *,
    slices: int,
    began: Cost,
    curve: Sequence[tuple[int, float]] = (),
    tolerance: float | None = None,
) -> CellResult:
    """Score a trained segmenter on the test subjects and keep what it found in `folder`.

    Args:
        slices: how many it was trained on; began: when, as `now` told then; curve: how it learned, where that is known.
        tolerance: of the normalised surface Dice, as in `plan_grids`.
    """
    scores = sorted(score_subjects(segmenter, regime.slices, regime.test, tolerance=tolerance).items())
    ended = now()
    result = {
        "arm": cell.arm.name,
        "seed": cell.seed,
        "synthetic_set": cell.synthetic,
        "slices": slices,
        "seconds": round(ended.seconds - began.seconds, 1),
        "core_seconds": round(ended.core_seconds - began.core_seconds, 1),
        "curve": [list(point) for point in curve],
        "counts": {subject: score.counts.tolist() for subject, score in scores},
        "metrics": {
            subject: {name: values.tolist() for name, values in score.metrics.items()} for subject, score in scores
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / RESULT, result)
    return read_cell(cell, folder, regime)


def read_cell(cell: Cell, folder: Path, regime: Regime) -> CellResult:
    """What a finished cell found on the test subjects of `regime`.

    Raises:
        UserError: its file is damaged, or tells of other subjects or labels.
    """
    path = folder / RESULT
    mend = f"remove {folder} and run the same command again."
    try:
        found = _Result.model_validate(read_object(path))
        complaint = found.misfit(regime)
    except ValidationError as error:
        complaint = first_complaint(error)
    except UserError as error:
        raise UserError(f"{str(error).removesuffix('.')}: {mend}") from error
    if complaint is not None:
        raise UserError(f"{path} is not what this cell writes ({complaint}): {mend}")
    counts = {subject: np.asarray(overlap, dtype=np.int64) for subject, overlap in found.counts.items()}
    curve = [(images, float("nan") if value is None else value) for images, value in found.curve]
    # Cells of earlier versions have no metrics but what their counts give.
    metrics = {
        subject: {name: np.array(values, dtype=np.float64) for name, values in by_name.items()}
        for subject, by_name in found.metrics.items()
    }
    return CellResult(cell, counts, curve, metrics)
