"""`segmint trial`: does a segmenter get better when synthetic pairs are added to the real ones?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from segmint.evaluation.cells import Bench, CellResult, TrainsSegmenter, is_finished, plan_cells, run_cell
from segmint.evaluation.design import Design, design_trial
from segmint.evaluation.outcome import conclude
from segmint.evaluation.progress import CellProgress
from segmint.evaluation.table import trial_csv, trial_table
from segmint.evaluation.trial_folder import opened_trial_folder
from segmint.outputs import write_json, write_text
from segmint.training.segmenter import train_segmenter


def trial(
    real: Path,
    synthetic: Path | Sequence[Path] = (),
    *,
    out: Path,
    size: int | None = None,
    axis: int | None = None,
    arms: Sequence[str] | None = None,
    seeds: int = 5,
    steps: int | None = None,
    batch: int | None = None,
    segmenter: str = "unet",
    segmenter_settings: Mapping[str, str] | None = None,
    augment: Sequence[str] = (),
    subset: str | None = None,
    real_slices: int | None = None,
    repeat: str | None = None,
    overwrite: bool = False,
    device: str = "auto",
    demonstration: bool = False,
    progress: bool = True,
) -> Path:
    """Train a segmenter on each arm with each seed, score all on held-out subjects, and say what follows.

    Every arm has the same optimiser steps, batch and, seed by seed, the same first weights; its last checkpoint is
    scored on all slices of the test subjects, on the grid they came on. Dice is taken for each label of each SUBJECT,
    its slices put back together. The primary comparison is fixed beforehand, `100R+300F` minus `100R`: subject means
    over labels, with a bootstrap over subjects and seeds. It gives no verdict below 15 test subjects, nor where
    validation Dice of `100R` still gained more than 0.5 points over the last fifth of the steps.

    The same call goes on with a trial that was stopped; finished cells are not trained again. The split is the one
    stored in the dataset, or else that of the generator's run, or else a seeded one.

    Args:
        real: the real dataset.
        synthetic: synthetic dataset or datasets that `sample` wrote. With several, seed k takes set k modulo their
            number, and sets rather than seeds are resampled, so that the interval covers the generator too.
        out: the trial's folder: trial.json, trial.csv and cells/ARM-seedK/.
        size: side of the slices in pixels; default: what the generator was trained at, or what `train` would take.
        axis: slice axis of volumes; default: the generator's, or the one nnU-Net's 2-D configuration takes.
        arms: training sets in percent of the real training slices: R real (less than 100: a random choice by the
            cell's seed), F the first synthetic pairs, A real slices flipped (100A one way each, 300A all of h, v and
            hv), B real slices that hold the label `repeat`, again and again. Default: 100R, 100F, 100R+100F, 100R+300F,
            100R+100A, 100R+300A.
        seeds: cells of each arm, with seeds 0 to seeds - 1.
        steps: optimiser steps of every cell; batch: slices a step. Defaults suit small 2-D sets.
        segmenter: a recipe that gives a segmenter; segmenter_settings: settings of it, by name, as text.
        augment: augmentation of every arm alike: any of "flips", "elastic", "strong" (nnU-Net's set); none by default.
        subset: name of a stored subset; only its subjects or slices are R. real_slices: only so many slices, drawn at
            random.
        repeat: name or id of the label whose slices B repeats; needed where an arm has B.
        overwrite: replace what is in `out`.
        demonstration: say in the verdict that this is no evidence.
        progress: print the table, and a line for every cell.

    Returns:
        `out`.

    Raises:
        UserError: the input is wrong, an arm refuses a synthetic set, or `out` holds something else.
        KeyboardInterrupt: stopped by Ctrl-C; the same call goes on.
    """
    design = design_trial(
        Path(real),
        [Path(path) for path in ([synthetic] if isinstance(synthetic, str | Path) else synthetic)],
        size=size,
        axis=axis,
        arms=arms,
        seeds=seeds,
        steps=steps,
        batch=batch,
        segmenter=segmenter,
        segmenter_settings=segmenter_settings,
        augment=augment,
        subset=subset,
        real_slices=real_slices,
        repeat=repeat,
        device=device,
        demonstration=demonstration,
    )
    conduct(design, Path(out), overwrite=overwrite, device=device, progress=progress, train=train_segmenter)
    return Path(out)


def conduct(design: Design, out: Path, *, overwrite: bool, device: str, progress: bool, train: TrainsSegmenter) -> None:
    """Run all cells of a design in `out` with segmenters from `train`, then write trial.json and trial.csv.

    Raises:
        UserError: `out` holds something else, or a cell's input is wrong.
        KeyboardInterrupt: stopped by Ctrl-C; finished cells are kept.
    """
    console = Console(stderr=True, quiet=not progress)
    with opened_trial_folder(out, design.settings(), overwrite=overwrite, inputs=design.inputs):
        try:
            results = _run_cells(design, out, device=device, train=train, console=console)
        except KeyboardInterrupt:
            console.print(
                f"stopped; finished cells are kept in {out}. To go on: the same command again", highlight=False
            )
            raise
        content = conclude(design, results)
        write_text(out / "trial.csv", trial_csv(content))
        write_json(out / "trial.json", content)
    if progress:
        Console().print(trial_table(content))


def _run_cells(design: Design, out: Path, *, device: str, train: TrainsSegmenter, console: Console) -> list[CellResult]:
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
