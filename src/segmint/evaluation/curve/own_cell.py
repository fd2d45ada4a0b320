"""A recipe's own segmenter, trained with its generator, scored as a cell: a job of `segmint.evaluation.jobs`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from segmint.evaluation.arms import parse_arm
from segmint.evaluation.cells import Cell, is_finished, now, read_cell, score_cell
from segmint.evaluation.curve.generators import run_segmenter
from segmint.evaluation.progress import CellProgress
from segmint.evaluation.regime import Regime, open_regime
from segmint.evaluation.scoring import Predicts

KIND = "own segmenter"


@dataclass(frozen=True)
class OwnCell:
    """Score in `folder` what `segmenter` opens, the segmenter of `run`; `progress` hears of it, in `title`."""

    cell: Cell
    folder: Path
    regime: Regime
    run_folder: Path
    device: str
    segmenter: Callable[[], Predicts]
    title: str
    progress: CellProgress | None = None

    @property
    def finished(self) -> bool:
        """Whether it has a result."""
        return is_finished(self.folder)

    def run(self) -> None:
        """Score it, or nothing where that was done."""
        if self.finished:
            return
        began, slices = now(), len(self.regime.training)
        score_cell(self.cell, self.folder, self.segmenter(), self.regime, slices=slices, began=began)

    def as_json(self) -> dict[str, Any]:
        """Everything by name, path or number."""
        return {
            "kind": KIND,
            "arm": self.cell.arm.content,
            "seed": self.cell.seed,
            "folder": str(self.folder.resolve()),
            "regime": self.regime.as_json(),
            "run": str(self.run_folder.resolve()),
            "device": self.device,
            "title": self.title,
        }

    def began(self) -> str:
        """Tell the progress."""
        return self.progress.begin(self.title) if self.progress else ""

    def failed(self) -> None:
        """Tell the progress."""
        if self.progress:
            self.progress.stop()

    def ended(self, *, trained: bool) -> None:
        """Show what it found."""
        if self.progress:
            self.progress.end(self.title, read_cell(self.cell, self.folder, self.regime), trained=trained)


def read_own_cell(content: Mapping[str, Any]) -> OwnCell:
    """The job that `OwnCell.as_json` told of.

    Raises:
        UserError: the dataset is gone or was changed.
    """
    run, device = Path(content["run"]), content["device"]
    return OwnCell(
        cell=Cell(parse_arm(content["arm"]), content["seed"], None),
        folder=Path(content["folder"]),
        regime=open_regime(content["regime"]),
        run_folder=run,
        device=device,
        segmenter=partial(run_segmenter, run, device),
        title=content["title"],
    )
