"""`segmint run`: the user's dataset from inspection to report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from segmint.evaluation.arms import DEFAULT_ARMS, parse_arms
from segmint.evaluation.gate import GateOrders
from segmint.evaluation.jobs.orders import JobOrders
from segmint.workflow.orders import Orders
from segmint.workflow.road import Road
from segmint.workflow.steps import opened_workflow


def run_workflow(
    dataset: Path,
    *,
    out: Path,
    recipe: str | None = None,
    size: int | None = None,
    kimg: float | None = None,
    batch: int | None = None,
    preset: str = "repaired",
    capacity: str | None = None,
    mask_source: str | None = None,
    auxiliary: str | None = None,
    conditions: Sequence[str] | None = None,
    tile: int | None = None,
    balance: Mapping[str, float] | None = None,
    subset: str | None = None,
    unlabelled: str = "auto",
    settings: Mapping[str, str] | None = None,
    axis: int | None = None,
    seed: int = 0,
    truncation: float | None = None,
    arms: Sequence[str] = DEFAULT_ARMS,
    primary: str | None = None,
    seeds: int = 5,
    steps: int | None = None,
    trial_batch: int | None = None,
    segmenter: str = "unet",
    segmenter_preset: str = "repaired",
    segmenter_capacity: str | None = None,
    segmenter_settings: Mapping[str, str] | None = None,
    augment: Sequence[str] = (),
    surface_tolerance: float | None = None,
    fidelity: bool = True,
    privacy: bool = True,
    alignment: bool = True,
    gate: GateOrders | None = None,
    curate: bool = False,
    processes: int = 1,
    cluster: str | None = None,
    cluster_settings: Mapping[str, str] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    progress: bool = True,
) -> Path:
    """Inspect `dataset`, pick a recipe, train it, draw pairs, evaluate them, hold a trial, and report, all inside `out`.

    The dataset itself is not written to. Where it has no split, training deals its subjects out at random by `seed`,
    the run records the split, and the trial uses the same. As many pairs are drawn as the largest arm needs. `out`
    then holds `inspection.json`, `run/`, `synthetic/`, `evaluation/`, `trial/`, `report.html`, and `steps.json` with the commands
    that do the same one by one.

    Args:
        recipe: name of a recipe that gives pairs; default: chosen by what the data has, and the reason is said.
        size, kimg, batch, preset, capacity, mask_source, auxiliary, conditions, tile, subset, unlabelled, settings,
            axis, seed, precision, threads: as in `segmint.train`.
        truncation, balance: as in `segmint.sample`.
        arms, primary, seeds, steps, segmenter, segmenter_preset, segmenter_capacity, segmenter_settings, augment,
            surface_tolerance: as in `segmint.trial`; trial_batch: slices a step of the trial's segmenters.
        fidelity, privacy: as in `segmint.evaluate`.
        alignment: as in `segmint.evaluate`; each segmenter takes as many steps as one of the trial's.
        gate: what the gate looks at, as in `segmint.trial`: further generators are trained, alike, inside the training
            subjects. None asks no gate.
        curate: draw half as many pairs again, and evaluate and try those that `segmint.curate` keeps; `drawn/` holds all of them.
        processes, cluster, cluster_settings: as in `segmint.trial`, for the segmenters of the trial and the gate's generators; all
            other steps, the training of the run's own generator among them, are taken in this process.
        resume: go on with an `out` begun by the same call; finished steps are skipped. An absent `out` is begun.
        overwrite: begin anew even if `out` holds an earlier call's results.
        progress: say on stderr what is being done.

    Returns:
        Path of the report.

    Raises:
        UserError: the input is wrong; inspection found something in the dataset that must be mended.
        KeyboardInterrupt: stopped by Ctrl-C; the same call with `resume` goes on.
    """
    orders = Orders(
        recipe=recipe,
        size=size,
        kimg=None if kimg is None else float(kimg),
        batch=batch,
        preset=preset,
        capacity=capacity,
        mask_source=mask_source,
        auxiliary=auxiliary,
        conditions=None if conditions is None else tuple(conditions),
        tile=tile,
        balance=dict(balance or {}),
        subset=subset,
        unlabelled=unlabelled,
        settings=dict(settings or {}),
        axis=axis,
        seed=seed,
        truncation=None if truncation is None else float(truncation),
        arms=tuple(arm.name for arm in parse_arms(arms)),
        primary=primary,
        seeds=seeds,
        steps=steps,
        trial_batch=trial_batch,
        segmenter=segmenter,
        segmenter_preset=segmenter_preset,
        segmenter_capacity=segmenter_capacity,
        segmenter_settings=dict(segmenter_settings or {}),
        augment=tuple(augment),
        surface_tolerance=None if surface_tolerance is None else float(surface_tolerance),
        fidelity=fidelity,
        privacy=privacy,
        alignment=alignment,
        gate=gate,
        curate=curate,
        device=device,
        precision=precision,
        threads=threads,
    )
    jobs = JobOrders(processes, cluster, dict(cluster_settings or {}), threads)
    jobs.check()
    dataset, out = Path(dataset), Path(out)
    record = json.loads(json.dumps({"dataset": str(dataset.resolve()), **asdict(orders)}))
    road = Road(
        dataset=dataset,
        out=out,
        orders=orders,
        verb="run",
        record_settings=record,
        demonstration=False,
        progress=progress,
        jobs=jobs,
    )
    inputs = [dataset, *([] if auxiliary is None else [Path(auxiliary.rpartition(":")[0])])]
    with opened_workflow(out, record, verb="run", resume=resume, overwrite=overwrite, inputs=inputs):
        return road.travel()
