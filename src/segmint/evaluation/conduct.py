"""All cells of a designed trial, with a line for each."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from segmint.evaluation.cells import Bench, CellResult, TrainsSegmenter, plan_cells, read_cell
from segmint.evaluation.design import Design
from segmint.evaluation.jobs.cell_job import CellJob
from segmint.evaluation.jobs.executor import carry_out
from segmint.evaluation.jobs.in_order import InOrder
from segmint.evaluation.jobs.job import Plan
from segmint.evaluation.progress import CellProgress


def cell_jobs(
    design: Design,
    out: Path,
    *,
    device: str,
    threads: int | None,
    train: TrainsSegmenter,
    console: Console,
    where: str = "",
) -> list[CellJob]:
    """Every cell as a job under `out/cells`, seed by seed in the arms' order, after a line that says what they are.

    Args:
        where: said before every cell, where several trials run at a time.

    Raises:
        UserError: what a cell found before is damaged.
    """
    bench = Bench(
        regime=design.regime,
        synthetic=dict(enumerate(design.synthetic)),
        segmenter=design.segmenter,
        preset=design.segmenter_preset,
        capacity=design.segmenter_capacity,
        settings=design.segmenter_changes,
        steps=design.steps,
        batch=design.batch,
        device=device,
        train=train,
        repeat=design.repeat,
        tolerance=design.surface_tolerance,
        threads=threads,
    )
    cells = plan_cells(design.arms, seeds=design.seeds, synthetic_sets=len(design.synthetic))
    console.print(
        f"{where}trial of {len(cells)} cells: {len(design.arms)} arms x {design.seeds} seeds, each {design.steps} steps of "
        f"{design.batch} slices; 100% is {len(design.regime.training)} real slices",
        highlight=False,
    )
    progress = CellProgress(console, len(cells), where=where)
    jobs = [CellJob(cell, out / "cells" / cell.name, bench, progress) for cell in cells]
    for job in jobs:
        if job.finished:
            # A damaged one is refused before others are trained.
            read_cell(job.cell, job.folder, design.regime)
    return jobs


def cell_plan(jobs: list[CellJob]) -> Plan[list[CellResult]]:
    """Do them all, in any order, and read what they found."""
    yield jobs
    return [read_cell(job.cell, job.folder, job.bench.regime) for job in jobs]


def run_cells(design: Design, out: Path, *, device: str, train: TrainsSegmenter, console: Console) -> list[CellResult]:
    """Train and score every cell here, one after the other, or read what was finished before.

    Raises:
        UserError: a file of a dataset is damaged.
        KeyboardInterrupt: stopped by Ctrl-C; finished cells are kept.
    """
    jobs = cell_jobs(design, out, device=device, threads=None, train=train, console=console)
    (results,) = carry_out([cell_plan(jobs)], InOrder(console))
    return results
