"""One cell of a trial as a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmint.evaluation.arms import parse_arm
from segmint.evaluation.cells import Bench, Cell, is_finished, read_cell, run_cell
from segmint.evaluation.progress import CellProgress
from segmint.evaluation.regime import open_regime
from segmint.evaluation.synthetic_sets import open_synthetic_sets
from segmint.training.segmenter import train_segmenter

KIND = "cell"


@dataclass(frozen=True)
class CellJob:
    """Train and score one cell in `folder`; `progress` hears of it; `words` are the cell's, unless its own say enough."""

    cell: Cell
    folder: Path
    bench: Bench
    progress: CellProgress | None = None
    words: str | None = None

    @property
    def title(self) -> str:
        """The cell in words."""
        return f"{self.progress.where if self.progress else ''}{self._words}"

    @property
    def _words(self) -> str:
        return self.words or self.cell.title

    @property
    def finished(self) -> bool:
        """Whether it has a result."""
        return is_finished(self.folder)

    def run(self) -> None:
        """Train and score, or nothing where that was done."""
        run_cell(self.cell, self.folder, self.bench)

    def as_json(self) -> dict[str, Any]:
        """Everything by name, path or number; the set it draws from is opened, and checked, where it runs."""
        bench, cell = self.bench, self.cell
        drawn = None if cell.synthetic is None else bench.synthetic[cell.synthetic].dataset.root
        return {
            "kind": KIND,
            "folder": str(self.folder.resolve()),
            "arm": cell.arm.content,
            "seed": cell.seed,
            "synthetic": cell.synthetic,
            "set": None if drawn is None else str(drawn.resolve()),
            "regime": bench.regime.as_json(),
            "segmenter": bench.segmenter,
            "preset": bench.preset,
            "capacity": bench.capacity,
            "settings": dict(bench.settings),
            "steps": bench.steps,
            "batch": bench.batch,
            "device": bench.device,
            "threads": bench.threads,
            "repeat": bench.repeat,
            "tolerance": bench.tolerance,
        }

    def began(self) -> str:
        """Tell the progress."""
        return self.progress.begin(self._words) if self.progress else ""

    def failed(self) -> None:
        """Tell the progress."""
        if self.progress:
            self.progress.stop()

    def ended(self, *, trained: bool) -> None:
        """Show what it found."""
        if self.progress:
            self.progress.end(self._words, read_cell(self.cell, self.folder, self.bench.regime), trained=trained)


def read_cell_job(content: Mapping[str, Any]) -> CellJob:
    """The job that `CellJob.as_json` told of.

    Raises:
        UserError: a dataset is gone, was changed, or may not be used by this arm.
    """
    cell = Cell(parse_arm(content["arm"], curated=True), content["seed"], content["synthetic"])
    regime = open_regime(content["regime"])
    synthetic = {}
    if cell.synthetic is not None:
        (synthetic[cell.synthetic],), _ = open_synthetic_sets([Path(content["set"])], regime, [cell.arm])
    bench = Bench(
        regime=regime,
        synthetic=synthetic,
        segmenter=content["segmenter"],
        preset=content.get("preset", "repaired"),
        capacity=content.get("capacity"),
        settings=content["settings"],
        tolerance=content.get("tolerance"),
        steps=content["steps"],
        batch=content["batch"],
        device=content["device"],
        train=train_segmenter,
        repeat=content["repeat"],
        threads=content["threads"],
    )
    return CellJob(cell, Path(content["folder"]), bench)
