"""One stage of a run: budget, examiner, log, plots, progress, checkpoints around the loop."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from segmint.recipes.contract import (
    Annotations,
    Gathered,
    ImageStage,
    MaskStage,
    PairStage,
    Stage,
    TranslatorStage,
)
from segmint.training.examination import VALIDATION_PAIRS
from segmint.training.examiners import examiner_of
from segmint.training.loop import Loop, Plan
from segmint.training.loss_plot import write_loss_plot
from segmint.training.material import Material
from segmint.training.precision import Hardware
from segmint.training.previews import PreviewFolder
from segmint.training.progress import shown_progress
from segmint.training.run_folder import RunFolder, RunLog
from segmint.training.tracking import TensorBoardTrack, tensorboard_is_installed

# A line is logged about this often.
TICKS = 60
# The loss plot is drawn anew at most this often, and at the end.
PLOT_SECONDS = 30.0


def last_that_draws(stages: Sequence[Stage]) -> int:
    """Number of the stage whose previews are the run's: the last that draws what the run gives, else the last."""
    kinds = (PairStage, ImageStage, MaskStage, TranslatorStage)
    return max((i for i, stage in enumerate(stages) if isinstance(stage, kinds)), default=len(stages) - 1)


def train_stage(
    run: RunFolder,
    index: int,
    stage: Stage,
    material: Material,
    hardware: Hardware,
    *,
    annotated: Annotations | None = None,
    seed: int,
    last: bool,
    shown: bool,
    progress: bool,
) -> None:
    """Train one stage to the end of its budget, from its last checkpoint if there is one.

    Args:
        annotated: what a person has labelled for the run, where the stage gathers it.
        last: whether the run's loss plot is this stage's; shown: whether its previews are.

    Raises:
        UserError: what the stage gathers is not enough.
        Interrupted: Ctrl-C or SIGTERM; all is saved.
        Diverged: a loss is no longer finite.
    """
    folder = run.stage_folder(index, stage.name)
    task = stage.task
    plan = Plan(
        total=task.total_images,
        batch=task.batch,
        tick=max(task.batch, task.total_images // TICKS),
        # A look draws VALIDATION_PAIRS pairs: it must not cost more than what it looks at.
        snapshot=max(task.batch, VALIDATION_PAIRS, task.total_images // stage.snapshots),
    )
    pictures = run.previews if shown else run.previews / folder.name
    previews = PreviewFolder(pictures, batch=plan.batch, every=plan.snapshot)
    stage.prepare(
        Gathered(
            labelled=material.training if "labelled" in stage.gathers else None,
            annotated=annotated if "annotated" in stage.gathers else None,
        )
    )
    examine = examiner_of(stage, material, previews=previews, device=hardware.device, seed=seed)
    checkpoints = run.checkpoints(folder)
    resumed_at = int(checkpoints.entry("last")["images"]) if checkpoints.has("last") else 0
    track = TensorBoardTrack(run.root / "tensorboard", resumed_at=resumed_at) if tensorboard_is_installed() else None
    log = RunLog(run.root / "log.jsonl")
    plot = run.root / ("losses.png" if last else f"losses_{folder.name}.png")
    plotted = 0.0
    with shown_progress(plan.total, shown=progress, unit=stage.unit) as show:

        def draw() -> None:
            write_loss_plot(plot, [old for old in log.lines() if old["stage"] == folder.name])

        def on_tick(line: Mapping[str, Any]) -> None:
            show(line)
            if track is not None:
                track(line)
            nonlocal plotted
            if time.monotonic() - plotted > PLOT_SECONDS:
                plotted = time.monotonic()
                draw()

        loop = Loop(
            stage,
            {stream: material.streams[stream] for stream in stage.streams},
            name=folder.name,
            plan=plan,
            checkpoints=checkpoints,
            log=log,
            hardware=hardware,
            seed=seed + index,
            examine=examine,
            on_tick=on_tick,
        )
        try:
            loop.run()
            # Also of a stage that was killed after its last checkpoint.
            draw()
        finally:
            if track is not None:
                track.close()
