"""`segmint trial`: does a segmenter get better when synthetic pairs are added to the real ones?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.evaluation.arms import DEFAULT_ARMS, GATE_ARMS, Arm, parse_arms
from segmint.evaluation.cells import TrainsSegmenter
from segmint.evaluation.conduct import cell_jobs, cell_plan
from segmint.evaluation.cost import read_cost
from segmint.evaluation.design import Design, design_trial
from segmint.evaluation.folded_trial import FoldedTrial, RealTrial, refuse_folds
from segmint.evaluation.gate import GateOrders
from segmint.evaluation.generator import GeneratorOrders
from segmint.evaluation.jobs.executor import carry_out
from segmint.evaluation.jobs.orders import IN_ORDER, JobOrders
from segmint.evaluation.outcome import conclude, write_outcome
from segmint.evaluation.primary import choose_primary
from segmint.evaluation.recipe_trial import RecipeTrial
from segmint.evaluation.table import trial_table
from segmint.evaluation.trial_folder import again, opened_trial_folder
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
    segmenter_preset: str = "repaired",
    segmenter_capacity: str | None = None,
    segmenter_settings: Mapping[str, str] | None = None,
    augment: Sequence[str] = (),
    subset: str | None = None,
    real_slices: int | None = None,
    repeat: str | None = None,
    surface_tolerance: float | None = None,
    primary: str | None = None,
    overwrite: bool = False,
    device: str = "auto",
    demonstration: bool = False,
    generator: GeneratorOrders | None = None,
    generator_seeds: int = 1,
    generators_of: Path | None = None,
    gate: GateOrders | None = None,
    folds: int | None = None,
    processes: int = 1,
    cluster: str | None = None,
    cluster_settings: Mapping[str, str] | None = None,
    threads: int | None = None,
    progress: bool = True,
) -> Path:
    """Train a segmenter on each arm with each seed, score all on held-out subjects, and say what follows.

    Every arm has the same optimiser steps, batch and, seed by seed, the same first weights; its last checkpoint is
    scored on all slices of the test subjects, on the grid they came on. Dice is taken for each label of each SUBJECT,
    its slices put back together. The primary comparison is fixed beforehand, that of `primary` with `100R`: subject
    means over labels, with a bootstrap over subjects and seeds. It gives no verdict below 15 test subjects, nor where
    validation Dice of either arm still gained more than 0.5 points over the last fifth of the steps.

    The same call goes on with a trial that was stopped; finished cells are not trained again. The split is the one
    stored in the dataset, or else that of the generator's run, or else a seeded one.

    With `generator` the trial trains its generators itself, and may have the arm "gate": how many pairs to add, if any,
    is then chosen inside the training subjects by cross-validation, with generators that have not seen the subjects
    they are judged on; pairs are added only where they gained for sure. The primary comparison is then that of this arm,
    unless `primary` names another.

    Args:
        real: the real dataset.
        synthetic: synthetic dataset or datasets that `sample` wrote. With several, seed k takes set k modulo their
            number, and the interval is over the generators that drew them rather than seeds, so that it covers the generator too;
            over sets where all are of one generator, which the verdict says.
        out: the trial's folder: trial.json, trial.csv and cells/ARM-seedK/.
        size: side of the slices in pixels; default: what the generator was trained at, or what `train` would take.
        axis: slice axis of volumes; default: the generator's, or the one nnU-Net's 2-D configuration takes.
        arms: training sets in percent of the real training slices: R real (less than 100: a random choice by the
            cell's seed), F the first synthetic pairs, A real slices flipped (100A one way each, 300A all of h, v and
            hv), B real slices that hold the label `repeat`, again and again. Default: 100R, 100F, 100R+100F, 100R+300F,
            100R+100A, 100R+300A.
        primary: the arm whose difference from 100R decides the verdict; one that adds synthetic pairs to 100R. Default: the
            gate's, or else 100R+300F, or else the only one there is; with several, none of which was named, the trial describes.
        seeds: cells of each arm, with seeds 0 to seeds - 1.
        steps: optimiser steps of every cell; batch: slices a step. Defaults suit small 2-D sets.
        segmenter: a recipe that gives a segmenter; segmenter_preset: "faithful" (as published) or "repaired"; segmenter_settings:
            settings of it, by name, as text; segmenter_capacity: "small" or "full" width of all segmenters, by default that
            of a trial that was begun, or else "small" on a CPU.
        augment: augmentation of every arm alike: any of "flips", "elastic", "strong" (nnU-Net's set), "cutmix" (a box of
            another slice of the batch), "copypaste" (lesions of another slice of the batch); none by default.
        subset: name of a stored subset; only its subjects or slices are R. real_slices: only so many slices, drawn at
            random.
        repeat: name or id of the label whose slices B repeats; needed where an arm has B.
        surface_tolerance: of the normalised surface Dice, in millimetres; default: one pixel of the source.
        overwrite: replace what is in `out`.
        demonstration: say in the verdict that this is no evidence.
        generator: how generators are trained, in the place of `synthetic`, or beside it for the gate alone, where
            `synthetic` was made in the same way; generator_seeds: how many of them, beside the gate's; generators_of: the folder
            of a trial that trained the same generators (same subjects, recipe and orders), whose finished ones are copied.
        gate: what the gate looks at; its arm, "gate", is added where `arms` lacks it.
        folds: cross-validate over all subjects that the split names, in so many folds: each subject is tested once, by
            segmenters, generators and a gate that have not seen it. Arms with F then need `generator`.
        processes: train in so many local processes at a time.
        cluster: "slurm" trains every cell and generator as a job of that cluster, through submitit; cluster_settings: what is
            asked for each job, as `--cluster-set` has it. Every folder must be seen from the cluster's nodes.
        threads: CPU threads of every training; default: what the trial was begun with, or else all cores, divided by
            `processes`. Scores do not depend on where and in how many processes cells train, but for this.
        progress: print the table, and a line for every cell.

    Returns:
        `out`.

    Raises:
        UserError: the input is wrong, an arm refuses a synthetic set, or `out` holds something else.
        KeyboardInterrupt: stopped by Ctrl-C; the same call goes on.
    """
    sets = [Path(path) for path in ([synthetic] if isinstance(synthetic, str | Path) else synthetic)]
    if threads is None and generator is not None:
        threads = generator.threads
    jobs = JobOrders(processes, cluster, dict(cluster_settings or {}), threads)
    jobs.check()
    make = partial(
        design_trial,
        Path(real),
        steps=steps,
        batch=batch,
        segmenter=segmenter,
        segmenter_preset=segmenter_preset,
        segmenter_capacity=jobs.with_capacity(Path(out), asked=segmenter_capacity, device=device, overwrite=overwrite),
        segmenter_settings=segmenter_settings,
        augment=augment,
        subset=subset,
        real_slices=real_slices,
        surface_tolerance=surface_tolerance,
        device=jobs.device_here(device),
        demonstration=demonstration,
    )
    if generator is None and gate is not None:
        raise UserError("The gate trains generators of its own: name their recipe with --recipe.")
    if generator is None and generators_of is not None:
        raise UserError(f"--generators-of {generators_of}: this trial trains none: name their recipe with --recipe.")
    if generator is None and folds is None:
        design = make(sets, arms=arms, primary=primary, seeds=seeds, size=size, axis=axis, repeat=repeat)
        conduct(
            design, Path(out), overwrite=overwrite, device=device, progress=progress, train=train_segmenter, jobs=jobs
        )
        return Path(out)
    asked = _with_gate(arms, gate, curated=generator is not None)
    choose_primary(asked, primary)
    if folds is not None:
        refuse_folds(asked, generator=generator is not None, sets=bool(sets), subset=subset, real_slices=real_slices)
    if generator is not None and sets and not any(arm.gated for arm in asked):
        raise UserError(
            f"--recipe {generator.recipe} makes the synthetic pairs of this trial: leave {sets[0]} out, or ask the --gate."
        )

    def trial_of(split: Split | None) -> RecipeTrial | RealTrial:
        common: dict[str, Any] = {
            "arms": asked,
            "seeds": seeds,
            "make": make,
            "split": split,
            "size": size,
            "axis": axis,
            "repeat": repeat,
            "device": device,
            "progress": progress,
            "train": train_segmenter,
            "jobs": jobs,
        }
        if generator is None:
            return RealTrial(**common)
        return RecipeTrial(
            **common,
            primary=primary,
            dataset=Path(real),
            generator=generator,
            generator_seeds=generator_seeds,
            gate=gate or GateOrders(),
            given=tuple(sets),
            generators_of=taken,
        )

    taken = None if generators_of is None else Path(generators_of)
    whole = trial_of(None) if folds is None else FoldedTrial(Path(real), folds, trial_of, device, progress, jobs, taken)
    assert not isinstance(whole, RealTrial), "without generator and folds a trial is conducted above"
    content = whole.conduct(Path(out), overwrite=overwrite)
    if progress:
        Console().print(trial_table(content, cost=read_cost(Path(out))))
    return Path(out)


def _with_gate(arms: Sequence[str] | None, gate: GateOrders | None, *, curated: bool) -> tuple[Arm, ...]:
    """The arms asked for, the gate's last where it is ordered but not named."""
    if arms is None:
        arms = DEFAULT_ARMS if gate is None else GATE_ARMS
    parsed = parse_arms(arms, gate=True, curated=curated)
    return parsed if gate is None or any(arm.gated for arm in parsed) else (*parsed, Arm(gated=True))


def conduct(
    design: Design,
    out: Path,
    *,
    overwrite: bool,
    device: str,
    progress: bool,
    train: TrainsSegmenter,
    jobs: JobOrders = IN_ORDER,
) -> None:
    """Run all cells of a design in `out` with segmenters from `train`, then write trial.json and trial.csv.

    Raises:
        UserError: `out` holds something else, or a cell's input is wrong.
        KeyboardInterrupt: stopped by Ctrl-C; finished cells are kept.
    """
    console = Console(stderr=True, quiet=not progress)
    threads = jobs.with_threads(out, overwrite=overwrite)
    settings = design.settings() | {"threads": threads}
    with opened_trial_folder(out, settings, overwrite=overwrite, inputs=design.inputs):
        try:
            with jobs.carried_out(out, threads=threads, device=device, console=console) as executor:
                cells = cell_jobs(design, out, device=device, threads=threads, train=train, console=console)
                (results,) = carry_out([cell_plan(cells)], executor)
        except KeyboardInterrupt:
            console.print(
                f"stopped; finished cells are kept in {out}. To go on: {again(overwrite=overwrite)}", highlight=False
            )
            raise
        content = conclude(design, results)
        write_outcome(out, content)
    if progress:
        Console().print(trial_table(content, cost=read_cost(out)))
