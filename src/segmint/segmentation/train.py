"""`segmint segment train`: a segmenter on its own, from the arm that a trial found best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console

from segmint.data.pool import PairPool, PoolPart
from segmint.data.segmenter_description import DESCRIPTION, description_of
from segmint.evaluation.arm_pool import build_pool
from segmint.evaluation.design import Design, design_trial
from segmint.evaluation.jobs.orders import IN_ORDER
from segmint.evaluation.trial_folder import opened_trial_folder
from segmint.outputs import write_json
from segmint.training.segmenter import learning_curve, train_segmenter

TRAINING = "training"


def train_for_use(
    real: Path,
    synthetic: Path | None = None,
    *,
    out: Path,
    arm: str = "100R",
    segmenter: str = "unet",
    segmenter_preset: str = "repaired",
    segmenter_capacity: str | None = None,
    segmenter_settings: Mapping[str, str] | None = None,
    augment: Sequence[str] = (),
    size: int | None = None,
    axis: int | None = None,
    steps: int | None = None,
    batch: int | None = None,
    subset: str | None = None,
    repeat: str | None = None,
    seed: int = 0,
    overwrite: bool = False,
    device: str = "auto",
    progress: bool = True,
) -> Path:
    """Train the segmenter of one arm of a trial and keep it for `segmint.predict`.

    It learns from the training subjects of `real`; validation subjects give the learning curve and select nothing. The same
    call goes on with a training that was stopped.

    Args:
        real: the real dataset; synthetic: what `sample` wrote, where the arm has F.
        out: the segmenter's folder: `segmenter.json`, and `training/` with weights and log.
        arm: its training set, as in `segmint.trial`.
        segmenter, segmenter_preset, segmenter_capacity, segmenter_settings, augment, size, axis, steps, batch, subset, repeat,
            device: as in `segmint.trial`.
        seed: of weights, data order, augmentation, and the choice of slices.
        overwrite: replace what is in `out`.
        progress: print a line a tick.

    Returns:
        `out`.

    Raises:
        UserError: the input is wrong, the arm refuses the synthetic set, or `out` holds something else.
        KeyboardInterrupt: stopped by Ctrl-C; the same call goes on.
    """
    capacity = IN_ORDER.with_capacity(Path(out), asked=segmenter_capacity, device=device, overwrite=overwrite)
    design = design_trial(
        Path(real),
        [] if synthetic is None else [Path(synthetic)],
        size=size,
        axis=axis,
        arms=[arm],
        seeds=1,
        steps=steps,
        batch=batch,
        segmenter=segmenter,
        segmenter_preset=segmenter_preset,
        segmenter_capacity=capacity,
        segmenter_settings=segmenter_settings,
        augment=augment,
        subset=subset,
        real_slices=None,
        repeat=repeat,
        device=device,
        demonstration=False,
    )
    out, regime = Path(out), design.regime
    console = Console(stderr=True, quiet=not progress, soft_wrap=True, markup=False, highlight=False)
    with opened_trial_folder(
        out, {**design.settings(), "seed": seed}, overwrite=overwrite, what="segmenter", inputs=design.inputs
    ):
        pool = build_pool(
            design.arms[0],
            real=regime.slices,
            indices=regime.training,
            synthetic=design.synthetic[0] if design.arms[0].synthetic else None,
            seed=seed,
            repeat=design.repeat,
        )
        console.print(
            f"{segmenter} on {len(pool)} slices ({design.arms[0].name}) of {len(regime.labelled)} {regime.dataset.subject_kind}s,"
            f" {design.steps} steps of {design.batch}"
        )
        for note in design.notes:
            console.print(f"- {note}")
        try:
            train_segmenter(
                segmenter,
                pool,
                PairPool([PoolPart(regime.slices, regime.validation)]),
                folder=out / TRAINING,
                steps=design.steps,
                batch=design.batch,
                seed=seed,
                device=device,
                preset=design.segmenter_preset,
                capacity=design.segmenter_capacity,
                settings=design.segmenter_changes,
                progress=progress,
            )
        except KeyboardInterrupt:
            console.print("stopped; to go on: the same command again")
            raise
        write_json(out / DESCRIPTION, _described(design, seed=seed))
    _, reached = learning_curve(out / TRAINING)[-1]
    console.print(f"mean Dice on validation slices {reached:.3f}")
    return out


def _described(design: Design, *, seed: int) -> dict[str, Any]:
    """What prediction must know, and where the segmenter comes from."""
    dataset = design.regime.dataset
    return {
        **description_of(design.regime.slices),
        "segmint": metadata.version("segmint"),
        "segmenter": design.segmenter,
        "segmenter_preset": design.segmenter_preset,
        "segmenter_capacity": design.segmenter_capacity,
        "segmenter_settings": dict(design.segmenter_settings),
        "augment": list(design.augment),
        "arm": design.arms[0].name,
        "dataset": dataset.identity,
        "licence": dataset.licence,
        "synthetic": [one.described() for one in design.synthetic],
        "training_subjects": list(design.regime.labelled),
        "split": {part: list(subjects) for part, subjects in asdict(design.regime.split).items()},
        "notes": list(design.notes),
        "steps": design.steps,
        "batch": design.batch,
        "seed": seed,
    }
