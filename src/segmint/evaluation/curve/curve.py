"""`segmint curve`: what is a labelled subject worth, and how many does each way of using images do without?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from segmint.evaluation.cells import TrainsSegmenter
from segmint.evaluation.curve.generators import Generators
from segmint.evaluation.curve.outcome import conclude
from segmint.evaluation.curve.plan import CurvePlan, CurveSegmenter, GeneratorOrders, plan_curve
from segmint.evaluation.curve.plot import write_curve_plot
from segmint.evaluation.curve.points import Generates, Ground, cells_of, level_plan
from segmint.evaluation.curve.table import curve_csv, curve_table
from segmint.evaluation.jobs.executor import carry_out
from segmint.evaluation.jobs.orders import IN_ORDER, JobOrders
from segmint.evaluation.progress import CellProgress
from segmint.evaluation.trial_folder import again, check_trial_folder, opened_trial_folder
from segmint.outputs import write_json, write_text
from segmint.training.segmenter import train_segmenter


def draw_curve(
    dataset: Path,
    *,
    out: Path,
    recipes: Sequence[str] = (),
    labelled: Sequence[int | str] = (4, 8, 16, "all"),
    seeds: int = 3,
    seed: int = 0,
    arm: str = "100R+300F",
    size: int | None = None,
    axis: int | None = None,
    kimg: float | None = None,
    batch: int | None = None,
    preset: str = "repaired",
    capacity: str | None = None,
    settings: Mapping[str, str] | None = None,
    segmenter: str = "unet",
    segmenter_preset: str = "repaired",
    segmenter_capacity: str | None = None,
    segmenter_settings: Mapping[str, str] | None = None,
    steps: int | None = None,
    trial_batch: int | None = None,
    augment: Sequence[str] = (),
    overwrite: bool = False,
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    processes: int = 1,
    cluster: str | None = None,
    cluster_settings: Mapping[str, str] | None = None,
    progress: bool = True,
) -> Path:
    """Draw the label-efficiency curve: Dice on the test subjects against the number of labelled training subjects.

    For each number N, of nested choices of training subjects: the U-Net on the slices of the N; the same with strong
    augmentation; the U-Net with pairs of each recipe, which was given the labels of the same N; and, of recipes that give a
    segmenter beside pairs, that segmenter. Recipes that learn from images without labels see all images of the training part
    at every N; their stages that see no labels are trained once, at the smallest N, and taken over by the other runs. All
    U-Nets have the same steps, and seed by seed the same first weights. Means have bootstrap intervals over subjects and
    seeds, as in a trial.

    The same call goes on with a curve that was stopped; finished runs and cells are kept.

    Args:
        dataset: the real dataset; its stored split is used, or else a seeded one.
        out: the curve's folder: curve.json, curve.csv, curve.png, curve.svg and labelled-N/, with generators and cells.
        recipes: those that give pairs, or images for masks.
        labelled: numbers of subjects; "all" is the whole training part.
        seeds: U-Nets of each point, with seeds 0 to seeds - 1; seed: of the choice of subjects and of the generators.
        arm: training set of the U-Net with pairs, in percent of the slices of the N subjects.
        size, axis: as in `segmint.train`.
        kimg, batch, preset, capacity, precision: of every generator, as in `segmint.train`; settings: of single recipes, by
            "recipe.name".
        segmenter, segmenter_preset, segmenter_capacity, segmenter_settings: what takes the U-Net's place, as in `segmint.trial`.
        steps, trial_batch, augment: of every U-Net, as `steps`, `batch` and `augment` of `segmint.trial`.
        overwrite: replace what is in `out`.
        processes, cluster, cluster_settings, threads: where, and with how many threads, every generator and U-Net is trained, as
            in `segmint.trial`.
        progress: print the table, and lines for every run and cell.

    Returns:
        `out`.

    Raises:
        UserError: the input is wrong, or `out` holds something else.
        KeyboardInterrupt: stopped by Ctrl-C; the same call goes on.
    """
    jobs = JobOrders(processes, cluster, dict(cluster_settings or {}), threads)
    jobs.check()
    jobs = replace(jobs, threads=jobs.with_threads(Path(out), overwrite=overwrite))
    width = jobs.with_capacity(Path(out), asked=segmenter_capacity, device=device, overwrite=overwrite)
    plan = plan_curve(
        Path(dataset),
        recipes=recipes,
        labelled=labelled,
        seeds=seeds,
        seed=seed,
        arm=arm,
        size=size,
        axis=axis,
        steps=steps,
        batch=trial_batch,
        segmenter=CurveSegmenter(segmenter, segmenter_preset, width, dict(segmenter_settings or {})),
        augment=augment,
        settings=settings or {},
        orders=GeneratorOrders(
            kimg=None if kimg is None else float(kimg),
            batch=batch,
            preset=preset,
            capacity=capacity,
            precision=precision,
            threads=jobs.threads,
        ),
        device=jobs.device_here(device),
    )
    out = Path(out)
    check_trial_folder(out, plan.settings(), overwrite=overwrite, what="curve", inputs=[plan.dataset.root])
    generators = Generators(plan, out, device, progress)
    generators.check(anew=overwrite, device=jobs.device_here(device))
    conduct(
        plan,
        out,
        generators=generators,
        train=train_segmenter,
        overwrite=overwrite,
        device=device,
        progress=progress,
        jobs=jobs,
    )
    return out


def conduct(
    plan: CurvePlan,
    out: Path,
    *,
    generators: Generates,
    train: TrainsSegmenter,
    overwrite: bool,
    device: str,
    progress: bool,
    jobs: JobOrders = IN_ORDER,
) -> None:
    """Draw a planned curve in `out`, then write its table and picture.

    Raises:
        UserError: `out` holds something else, or the input of a run or cell is wrong.
        KeyboardInterrupt: stopped by Ctrl-C; finished runs and cells are kept.
    """
    console = Console(stderr=True, quiet=not progress, soft_wrap=True, highlight=False)
    cells = len(plan.levels) * sum(len(cells_of(plan, arm)) for arm in plan.arms)
    threads = jobs.with_threads(out, overwrite=overwrite)
    settings = plan.settings() | {"threads": threads}
    with opened_trial_folder(out, settings, overwrite=overwrite, what="curve", inputs=[plan.dataset.root]):
        named = ", ".join(str(level.count) for level in plan.levels)
        console.print(
            f"curve of {cells} cells: {named} labelled subjects x {len(plan.arms)} arms, {plan.seeds} seeds each, {plan.steps}"
            f" steps of {plan.batch}; {len(plan.recipes) * len(plan.levels)} generators"
        )
        try:
            with jobs.carried_out(out, threads=threads, device=device, console=console) as executor:
                ground = Ground(plan, out, generators, train, device, threads, CellProgress(console, cells))
                levels = carry_out([level_plan(ground, level) for level in plan.levels], executor)
        except KeyboardInterrupt:
            console.print(f"stopped; finished runs and cells are kept in {out}. To go on: {again(overwrite=overwrite)}")
            raise
        content = conclude(plan, [point for points in levels for point in points])
        write_curve_plot(out, content)
        write_text(out / "curve.csv", curve_csv(content))
        write_json(out / "curve.json", content)
    if progress:
        Console().print(curve_table(content))
