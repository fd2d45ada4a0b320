"""All cells of a designed trial, in order, with a line for each."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from segmint.evaluation.cells import Bench, CellResult, TrainsSegmenter, is_finished, plan_cells, run_cell
from segmint.evaluation.design import Design
from segmint.evaluation.progress import CellProgress


def run_cells(design: Design, out: Path, *, device: str, train: TrainsSegmenter, console: Console) -> list[CellResult]:
    """Train and score every cell under `out/cells`, or read what was finished before; seed by seed in the arms' order.

    Raises:
        UserError: a file of a dataset is damaged.
        KeyboardInterrupt: stopped by Ctrl-C; finished cells are kept.
    """
    bench = Bench(
        regime=design.regime,
        synthetic=design.synthetic,
        segmenter=design.segmenter,
        settings=design.segmenter_changes,
        steps=design.steps,
        batch=design.batch,
        device=device,
        train=train,
        repeat=design.repeat,
    )
    cells = plan_cells(design.arms, seeds=design.seeds, synthetic_sets=len(design.synthetic))
    console.print(
        f"trial of {len(cells)} cells: {len(design.arms)} arms x {design.seeds} seeds, each {design.steps} steps of "
        f"{design.batch} slices; 100% is {len(design.regime.training)} real slices",
        highlight=False,
    )
    progress, results = CellProgress(console, len(cells)), []
    for cell in cells:
        folder = out / "cells" / cell.name
        trained = not is_finished(folder)
        with console.status(progress.begin(cell.title)):
            results.append(run_cell(cell, folder, bench))
        progress.end(cell.title, results[-1], trained=trained)
    return results
