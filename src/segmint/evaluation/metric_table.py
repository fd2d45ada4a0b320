"""Precision, sensitivity and surface metrics of the arms of a trial on screen, beside its table of Dice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from segmint.metrics import dice

SHOWN = ("precision", "sensitivity", "hd95", "nsd")


def metric_table(trial: Mapping[str, Any]) -> RenderableType:
    """One row an arm, one column a metric, means over labels, subjects and seeds.

    Args:
        trial: a trial.json with `metrics`.
    """
    metrics = trial["metrics"]
    unit, tolerance = metrics["hd95"]["unit"], metrics["nsd"]["tolerance"]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("arm", no_wrap=True, style="bold")
    for heading in ("precision", "sensitivity", f"HD95\n({unit})", f"surface Dice\nwithin {tolerance:.3g} {unit}"):
        table.add_column(heading, justify="right", no_wrap=True)
    for arm in trial["arms"]:
        table.add_row(arm["name"], *(_value(metrics[name]["arms"][arm["name"]], name, trial) for name in SHOWN))
    complete = all(
        measured_share(one, trial) == 1 for name in (dice.NAME, *SHOWN) for one in metrics[name]["arms"].values()
    )
    return table if complete else Group(table, Text(_left_out(metrics[dice.NAME]["arms"], trial), style="dim"))


_LEFT_OUT = (
    "The others are left out of the mean: Dice where a label is absent from truth and prediction, so that an absent label "
    "counts only where it is found, as 0; HD95 where a label is missed or absent, precision where nothing is predicted, "
    "sensitivity where there is nothing to find. Arms with different shares are not compared on the same subjects."
)


def _left_out(dice_of: Mapping[str, Any], trial: Mapping[str, Any]) -> str:
    """What is missing, with the shares of Dice, whose table has no room for them, where not all are there."""
    shares = {name: measured_share(one, trial) for name, one in dice_of.items()}
    shown = ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
    some = f" (of Dice: {shown})" if min(shares.values()) < 1 else ""
    return f"In brackets: how many of the values (one a label, subject and seed) exist{some}. {_LEFT_OUT}"


def measured_share(one: Mapping[str, Any], trial: Mapping[str, Any]) -> float:
    """Share of the values of an arm's metric, one a label, subject and seed, that exist; 0 to 1."""
    possible = len(one["labels"]) * len(trial["test_subjects"]) * int(trial["seeds"])
    return float(sum(label["values"] for label in one["labels"].values()) / possible)


def _value(one: Mapping[str, Any], name: str, trial: Mapping[str, Any]) -> str:
    if one["mean"] is None:
        return "–"
    text, share = f"{one['mean']:.2f}" if name == "hd95" else f"{one['mean']:.3f}", measured_share(one, trial)
    return text if share == 1 else f"{text} ({share:.1%})"
