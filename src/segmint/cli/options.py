"""Options that several verbs share, and the reading of their values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segmint.errors import UserError

if TYPE_CHECKING:
    from segmint.evaluation.gate import GateOrders

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write. Must not exist yet.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where an earlier call of the same command stopped.")]
Seed = Annotated[int, typer.Option("--seed", metavar="S", min=0, help="Seed of everything random.")]
Size = Annotated[
    int | None, typer.Option("--size", metavar="N", help="Side of the slices in pixels.  [default: by the data]")
]
Axis = Annotated[
    int | None,
    typer.Option("--axis", metavar="0|1|2", help="Axis of volumes to slice along.  [default: as nnU-Net 2-D]"),
]
Subset = Annotated[
    str | None, typer.Option("--subset", metavar="NAME", help="Use a stored subset of the training part.")
]
Device = Annotated[str, typer.Option("--device", metavar="auto|cpu|cuda", help="Where to compute.")]
Precision = Annotated[str, typer.Option("--precision", metavar="auto|bf16|float32", help="Arithmetic of the networks.")]
Threads = Annotated[int | None, typer.Option("--threads", metavar="N", help="CPU threads.  [default: all cores]")]
Processes = Annotated[
    int,
    typer.Option("--processes", metavar="N", help="Train in N local processes at a time, with the cores divided."),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="slurm",
        help="Train every segmenter and generator as a job of the cluster (extra cluster).",
    ),
]
ClusterSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--cluster-set",
        metavar="KEY=VALUE",
        help="What each job asks for: partition, account, qos, time, cpus, gpus, memory; at_once jobs; sbatch.OPTION.",
    ),
]
Kimg = Annotated[
    float | None,
    typer.Option("--kimg", metavar="X", help="Budget: thousands of images shown.  [default: the recipe's]"),
]
Batch = Annotated[int | None, typer.Option("--batch", metavar="B", help="Images a step.  [default: the recipe's]")]
Preset = Annotated[
    str, typer.Option("--preset", metavar="faithful|repaired", help="As published, or with what it lacked mended.")
]
Capacity = Annotated[
    str | None,
    typer.Option("--capacity", metavar="small|full", help="Width of the networks.  [default: small on a CPU]"),
]
Unlabelled = Annotated[
    str,
    typer.Option(
        "--unlabelled",
        metavar="use|ignore|auto",
        help="Images in imagesUnlabelled: learn from them (a recipe that cannot refuses), leave them out, or as the recipe can.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="One setting of the recipe; may be given several times."),
]
Arms = Annotated[
    str | None,
    typer.Option(
        "--arms",
        metavar="A,B,...",
        help="Training sets to compare, such as 100R,100F,'100R+{25,50}F', in percent (R real, F synthetic, C curated, A flipped"
        " real); braces need quotes.",
    ),
]
Primary = Annotated[
    str | None,
    typer.Option(
        "--primary",
        metavar="ARM",
        help="The arm whose difference from 100R gives the verdict.  [default: gate, 100R+300F, or the only one with pairs]",
    ),
]
MaskSource = Annotated[
    str | None,
    typer.Option(
        "--mask-source",
        metavar="NAME",
        help="Of recipes that paint masks: real, deformed, or a recipe that gives masks.  [default: the recipe's]",
    ),
]
Auxiliary = Annotated[
    str | None,
    typer.Option("--auxiliary", metavar="DATASET:MAP", help="Learn to predict condition map MAP from DATASET."),
]
Conditions = Annotated[
    str | None,
    typer.Option("--conditions", metavar="A,B|none", help="Condition maps to use.  [default: the recipe's]"),
]
Tile = Annotated[
    int | None, typer.Option("--tile", metavar="N", help="Train on tiles of N pixels out of slices of --size pixels.")
]
Balance = Annotated[
    str | None,
    typer.Option("--balance", metavar="LABEL=SHARE", help="That share of the pairs holds the label, such as 1=0.5."),
]
Augment = Annotated[
    str,
    typer.Option(
        "--augment",
        metavar="none|A,B",
        help="Augmentation of every arm alike: flips, elastic, strong (nnU-Net's set), cutmix, copypaste (of lesions; for"
        " organs it makes impossible anatomy: name the lesions by --set copypaste_labels=ID,...).",
    ),
]
Truncation = Annotated[
    float | None,
    typer.Option(
        "--truncation", metavar="T", help="Below 1: less varied pairs, fewer odd ones.  [default: the recipe's]"
    ),
]
Segmenter = Annotated[str, typer.Option("--segmenter", metavar="NAME", help="A recipe that gives a segmenter.")]
SegmenterPreset = Annotated[
    str,
    typer.Option(
        "--segmenter-preset",
        metavar="faithful|repaired",
        help="The segmenter as published, or with what it lacked mended.",
    ),
]
SegmenterCapacity = Annotated[
    str | None,
    typer.Option(
        "--segmenter-capacity",
        metavar="small|full",
        help="Width of the segmenters.  [default: as begun, or small on a CPU]",
    ),
]
OtherSegmenterSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--segmenter-set", metavar="KEY=VALUE", help="One setting of the segmenter; may be given several times."
    ),
]
SegmenterSettings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="One setting of the segmenter; may be given several times."),
]
SegmenterBatch = Annotated[int | None, typer.Option("--batch", metavar="B", help="Slices a step.  [default: 16]")]
Steps = Annotated[
    int | None, typer.Option("--steps", metavar="N", help="Optimiser steps of each segmenter.  [default: by size]")
]
TrialBatch = Annotated[
    int | None, typer.Option("--trial-batch", metavar="B", help="Slices a step of the segmenters.  [default: 16]")
]
Repeat = Annotated[
    str | None,
    typer.Option("--repeat", metavar="LABEL", help="Arms with B, such as 100R+50B, repeat real slices with it."),
]
SurfaceTolerance = Annotated[
    float | None,
    typer.Option(
        "--surface-tolerance",
        metavar="MM",
        help="Tolerance of the normalised surface Dice.  [default: one pixel of the source]",
    ),
]
Gate = Annotated[
    bool,
    typer.Option("--gate", help="An arm that adds pairs only where they helped inside the training subjects."),
]
Curate = Annotated[
    bool,
    typer.Option(
        "--curate",
        help="Draw half as many pairs again as are needed, and keep those segmint curate keeps; inside the gate too.",
    ),
]
GateShares = Annotated[
    str | None,
    typer.Option("--gate-shares", metavar="P,Q,...", help="Percentages it chooses from.  [default: 25,100,300]"),
]
GateFilters = Annotated[
    str | None,
    typer.Option(
        "--gate-filters",
        metavar="all|curated|all,curated",
        help="Pairs it chooses from, as drawn or as curation keeps them.  [default: all,curated]",
    ),
]
GateFolds = Annotated[
    int | None, typer.Option("--gate-folds", metavar="K", help="Folds of its cross-validation.  [default: 2]")
]
GateSeeds = Annotated[
    int | None, typer.Option("--gate-seeds", metavar="K", help="Segmenters of each of its arms.  [default: 2]")
]


def read_settings(pairs: Sequence[str] | None, *, flag: str = "--set") -> dict[str, str]:
    """`key=value` strings as a mapping.

    Raises:
        UserError: one has no "=", or a key comes twice.
    """
    settings: dict[str, str] = {}
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        key = key.strip()
        if not equals or not key:
            raise UserError(f"{flag} {pair}: write it as key=value.")
        if key in settings:
            raise UserError(f"{flag} {key} is given twice: give it once.")
        settings[key] = value.strip()
    return settings


def read_list(text: str | None) -> list[str]:
    """Comma-separated words as a list; nothing as an empty one."""
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def read_arms(text: str | None) -> list[str] | None:
    """Comma-separated arms, braces written out; nothing given stays None.

    Raises:
        UserError: a brace is open, or holds nothing.
    """
    from segmint.evaluation.arms import expand_arms

    return None if text is None else expand_arms(text)


def read_whole_numbers(flag: str, text: str) -> tuple[int, ...]:
    """Comma-separated whole numbers.

    Raises:
        UserError: one is none.
    """
    words = read_list(text)
    for word in words:
        if not word.isdecimal():
            raise UserError(f"{flag} {text}: {word!r} is not a whole number; write them as in 25,100,300.")
    return tuple(int(word) for word in words)


def read_names(text: str | None) -> list[str] | None:
    """Comma-separated names; "none" is an empty list, nothing given stays None."""
    if text is None:
        return None
    return [] if text == "none" else read_list(text)


def read_shares(flag: str, text: str | None) -> dict[str, float] | None:
    """`LABEL=SHARE,...` as a mapping.

    Raises:
        UserError: an entry is not a name, "=" and a number.
    """
    if text is None:
        return None
    shares = {}
    for entry in read_list(text):
        name, equals, value = entry.partition("=")
        try:
            shares[name.strip()] = float(value)
        except ValueError as error:
            raise UserError(f"{flag} {entry}: write it as LABEL=SHARE, such as lesion=0.5.") from error
        if not equals or not name.strip():
            raise UserError(f"{flag} {entry}: write it as LABEL=SHARE, such as lesion=0.5.")
    return shares


def read_gate(
    wanted: bool, *, shares: str | None, filters: str | None, folds: int | None, seeds: int | None
) -> GateOrders | None:
    """What the gate looks at, if it is asked.

    Raises:
        UserError: orders for a gate that is not asked, or shares that are no numbers.
    """
    given = {"--gate-shares": shares, "--gate-filters": filters, "--gate-folds": folds, "--gate-seeds": seeds}
    if not wanted:
        for flag, value in given.items():
            if value is not None:
                raise UserError(f"{flag} is for the gate: give --gate, or leave it out.")
        return None
    from segmint.evaluation.gate import GateOrders

    chosen: dict[str, Any] = {"folds": folds, "seeds": seeds}
    if shares is not None:
        chosen["shares"] = read_whole_numbers("--gate-shares", shares)
    if filters is not None:
        chosen["filters"] = tuple(read_list(filters))
    return GateOrders(**{key: value for key, value in chosen.items() if value is not None})
