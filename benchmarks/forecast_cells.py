"""What adding each set of the forecast benchmark gains: cells of a trial, each trained and scored once."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from forecast_data import SIZE
from segmint.evaluation.arms import parse_arm
from segmint.evaluation.cells import Bench, Cell, run_cell
from segmint.evaluation.design import design_trial
from segmint.metrics.dice import mean_over_labels
from segmint.training.segmenter import train_segmenter

BATCH = 16
# The trial's U-Net at half its width, with four levels of five and no residual units.
SEGMENTER = {"width": "8", "levels": "4", "residual_units": "0"}
MIXED, ALONE = "100R+300F", "100F"


def measure(real: Path, synthetic: Path | None, arm: str, seed: int, folder: Path, *, steps: int) -> dict[str, float]:
    """Mean Dice over labels of each test subject after training on an arm with a seed."""
    cell = Cell(parse_arm(arm), seed, None if synthetic is None else 0)
    design = design_trial(
        real,
        [] if synthetic is None else [synthetic],
        size=SIZE,
        axis=None,
        arms=[arm],
        seeds=1,
        steps=steps,
        batch=BATCH,
        segmenter="unet",
        segmenter_settings=SEGMENTER,
        subset=None,
        real_slices=None,
        device="cpu",
        demonstration=False,
    )
    bench = Bench(
        regime=design.regime,
        synthetic=design.synthetic,
        segmenter=design.segmenter,
        settings=design.segmenter_changes,
        steps=design.steps,
        batch=design.batch,
        device="cpu",
        train=partial(train_segmenter, ticks=1),
    )
    found = run_cell(cell, folder, bench)
    # The weights are of no use any more.
    shutil.rmtree(folder / "stages", ignore_errors=True)
    return {subject: float(mean_over_labels(found.dice(subject))) for subject in found.counts}
