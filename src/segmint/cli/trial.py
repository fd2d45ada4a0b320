"""`segmint trial`, with `segmint trial score` and `segmint trial export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from segmint.cli import options
from segmint.errors import UserError

if TYPE_CHECKING:
    from segmint.evaluation.generator import GeneratorOrders

_ITSELF = "itself"


class _TrialOrMore(TyperGroup):
    """`segmint trial REAL ...` is the trial itself, whatever does not begin with the name of another command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        others = [name for name in self.list_commands(ctx) if name != _ITSELF]
        return super().parse_args(ctx, args if args and args[0] in others else [_ITSELF, *args])


class _Itself(TyperCommand):
    """Stands in the place of its group, in usage lines too."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        del info_name
        return super().make_context(parent.info_name, args, parent=parent.parent, **extra)


app = typer.Typer(
    cls=_TrialOrMore,
    help="Do synthetic pairs make a segmenter better?",
    rich_markup_mode=None,
    add_completion=False,
)


@app.command(_ITSELF, cls=_Itself)
def trial_verb(
    real: Annotated[Path, typer.Argument(metavar="REAL", help="The real dataset.")],
    out: options.Out,
    synthetic: Annotated[
        list[Path] | None, typer.Argument(metavar="SYNTH...", help="Datasets that segmint sample wrote.")
    ] = None,
    arms: options.Arms = None,
    primary: options.Primary = None,
    seeds: Annotated[int, typer.Option("--seeds", metavar="K", help="Segmenters trained for each arm.")] = 5,
    steps: Annotated[
        int | None,
        typer.Option("--steps", metavar="N", help="Optimiser steps, the same in every arm.  [default: by size]"),
    ] = None,
    batch: options.SegmenterBatch = None,
    size: options.Size = None,
    axis: options.Axis = None,
    segmenter: options.Segmenter = "unet",
    segmenter_preset: options.SegmenterPreset = "repaired",
    segmenter_capacity: options.SegmenterCapacity = None,
    settings: options.SegmenterSettings = None,
    augment: options.Augment = "none",
    subset: options.Subset = None,
    real_slices: Annotated[
        int | None, typer.Option("--real-slices", metavar="N", help="Use only N real slices, drawn at random.")
    ] = None,
    repeat: options.Repeat = None,
    surface_tolerance: options.SurfaceTolerance = None,
    recipe: Annotated[
        str | None,
        typer.Option("--recipe", metavar="NAME", help="Train the generators of this trial too, instead of SYNTH."),
    ] = None,
    kimg: options.Kimg = None,
    generator_batch: Annotated[
        int | None, typer.Option("--generator-batch", metavar="B", help="Images a step.  [default: the recipe's]")
    ] = None,
    preset: options.Preset = "repaired",
    capacity: options.Capacity = None,
    mask_source: options.MaskSource = None,
    auxiliary: options.Auxiliary = None,
    conditions: options.Conditions = None,
    tile: options.Tile = None,
    unlabelled: options.Unlabelled = "auto",
    balance: options.Balance = None,
    truncation: options.Truncation = None,
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    generator_settings: Annotated[
        list[str] | None,
        typer.Option(
            "--generator-set", metavar="KEY=VALUE", help="One setting of the recipe; may be given several times."
        ),
    ] = None,
    generator_seeds: Annotated[
        int, typer.Option("--generator-seeds", metavar="N", help="Generators trained with --recipe.")
    ] = 1,
    generators_of: Annotated[
        Path | None,
        typer.Option(
            "--generators-of", metavar="TRIAL", help="Take the same generators from a trial that has trained them."
        ),
    ] = None,
    curate: options.Curate = False,
    gate: options.Gate = False,
    gate_shares: options.GateShares = None,
    gate_filters: options.GateFilters = None,
    gate_folds: options.GateFolds = None,
    gate_seeds: options.GateSeeds = None,
    folds: Annotated[
        int | None,
        typer.Option("--folds", metavar="K", help="Test every subject once, in K folds with generators of their own."),
    ] = None,
    demonstration: Annotated[
        bool, typer.Option("--demonstration", help="Say in the verdict that this is no evidence.")
    ] = False,
    processes: options.Processes = 1,
    cluster: options.Cluster = None,
    cluster_settings: options.ClusterSettings = None,
    overwrite: options.Overwrite = False,
    device: options.Device = "auto",
) -> None:
    """Do synthetic pairs make a segmenter better?

    Trains a segmenter on every arm, tests it on held-out subjects, and gives a verdict.

    The same command goes on with a trial that was stopped.

    segmint trial score REAL --predictions ARM=DIR ... does the same with label maps of segmenters trained elsewhere;
    segmint trial export REAL SYNTH writes the arms as datasets for nnU-Net.
    """
    from segmint.evaluation.trial import trial

    _refuse_expanded([real, *(synthetic or [])])
    orders: dict[str, Any] = {
        "kimg": kimg,
        "batch": generator_batch,
        "preset": preset,
        "capacity": capacity,
        "mask_source": mask_source,
        "auxiliary": auxiliary,
        "conditions": None if conditions is None else tuple(options.read_names(conditions) or ()),
        "tile": tile,
        "unlabelled": unlabelled,
        "balance": options.read_shares("--balance", balance) or {},
        "truncation": truncation,
        "precision": precision,
        "curate": curate,
        "settings": options.read_settings(generator_settings, flag="--generator-set"),
    }
    generator = _generator(recipe, orders, seeds=generator_seeds)
    trial(
        real,
        synthetic or [],
        out=out,
        size=size,
        axis=axis,
        arms=options.read_arms(arms),
        primary=primary,
        seeds=seeds,
        steps=steps,
        batch=batch,
        segmenter=segmenter,
        segmenter_preset=segmenter_preset,
        segmenter_capacity=segmenter_capacity,
        segmenter_settings=options.read_settings(settings),
        augment=options.read_names(augment) or [],
        subset=subset,
        real_slices=real_slices,
        repeat=repeat,
        surface_tolerance=surface_tolerance,
        demonstration=demonstration,
        generator=generator,
        generator_seeds=generator_seeds,
        generators_of=generators_of,
        gate=options.read_gate(gate, shares=gate_shares, filters=gate_filters, folds=gate_folds, seeds=gate_seeds),
        folds=folds,
        processes=processes,
        cluster=cluster,
        cluster_settings=options.read_settings(cluster_settings, flag="--cluster-set"),
        threads=threads,
        overwrite=overwrite,
        device=device,
    )
    typer.echo(f"Trial: {out / 'trial.json'}, {out / 'trial.csv'}")


def _refuse_expanded(datasets: list[Path]) -> None:
    """Arms in the place of a dataset are what a shell makes of braces that were not quoted."""
    from segmint.evaluation.arms import parse_arms

    for path in datasets:
        try:
            parse_arms(str(path), gate=True, curated=True)
        except UserError:
            continue
        if not path.exists():
            raise UserError(
                f"{path} stands in the place of a dataset: quote arms with braces, as in --arms '100R,100R+{{25,50}}F', or the"
                " shell takes them apart."
            )


def _generator(recipe: str | None, orders: dict[str, Any], *, seeds: int) -> GeneratorOrders | None:
    """How generators are trained, if any are."""
    from segmint.evaluation.generator import GeneratorOrders

    if recipe is not None:
        return GeneratorOrders(recipe, **orders)
    plain = vars(GeneratorOrders("")) | {"seeds": 1}
    flags = {"batch": "--generator-batch", "settings": "--generator-set", "seeds": "--generator-seeds"}
    for name, value in {**orders, "seeds": seeds}.items():
        if value != plain[name]:
            flag = flags.get(name, "--" + name.replace("_", "-"))
            raise UserError(f"{flag} is for generators that the trial trains: name their recipe with --recipe.")
    return None


@app.command("score")
def score_verb(
    real: Annotated[Path, typer.Argument(metavar="REAL", help="The real dataset, with its split.")],
    out: options.Out,
    predictions: Annotated[
        list[str],
        typer.Option(
            "--predictions",
            metavar="ARM=DIR",
            help="Label maps of the test subjects; once for each arm, again for further seeds.",
        ),
    ],
    synthetic: Annotated[
        list[Path] | None, typer.Argument(metavar="SYNTH...", help="Datasets that arms with F learned from.")
    ] = None,
    subset: options.Subset = None,
    repeat: options.Repeat = None,
    surface_tolerance: options.SurfaceTolerance = None,
    primary: options.Primary = None,
    folds: Annotated[
        int | None,
        typer.Option(
            "--folds",
            metavar="K",
            help="Maps of every subject, by segmenters of K folds (segmint trial export --folds K).",
        ),
    ] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """The statistics of a trial on label maps of segmenters trained elsewhere, such as nnU-Net."""
    from segmint.evaluation.outside import score_predictions

    score_predictions(
        real,
        synthetic or [],
        predictions=[_read_prediction(word) for word in predictions],
        out=out,
        subset=subset,
        repeat=repeat,
        surface_tolerance=surface_tolerance,
        primary=primary,
        folds=folds,
        overwrite=overwrite,
    )
    typer.echo(f"Trial: {out / 'trial.json'}, {out / 'trial.csv'}")


@app.command("export")
def export_verb(
    real: Annotated[Path, typer.Argument(metavar="REAL", help="The real dataset, with its split.")],
    out: options.Out,
    synthetic: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[SYNTH]...", help="Dataset that arms with F take their pairs from; with --folds one a fold."
        ),
    ] = None,
    arms: Annotated[
        str,
        typer.Option("--arms", metavar="A,B,...", help="Training sets of all real slices, synthetic pairs, or both."),
    ] = "100R,100R+300F",
    subset: options.Subset = None,
    folds: Annotated[
        int | None,
        typer.Option("--folds", metavar="K", help="Every arm once for each of K folds, which test every subject once."),
    ] = None,
    first_id: Annotated[
        int, typer.Option("--first-id", metavar="N", help="nnU-Net's number of the first dataset.")
    ] = 501,
    overwrite: options.Overwrite = False,
) -> None:
    """Each arm as a dataset for nnU-Net, with a splits_final.json that validates on real cases alone.

    Synthetic slices of volumes are stacked into volumes. README.md beside the datasets says how to train them alike.
    """
    from segmint.evaluation.export import export_arms

    export_arms(
        real,
        synthetic or [],
        out=out,
        arms=options.read_arms(arms) or [],
        subset=subset,
        folds=folds,
        first_id=first_id,
        overwrite=overwrite,
    )
    typer.echo(f"Datasets: {', '.join(path.name for path in sorted(out.glob('Dataset*')))}; see {out / 'README.md'}")


def _read_prediction(word: str) -> tuple[str, Path]:
    arm, equals, folder = word.partition("=")
    if not equals or not folder:
        raise UserError(f"--predictions {word}: write it as ARM=DIR, such as 100R=predictions.")
    return arm, Path(folder)
