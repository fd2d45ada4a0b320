"""The table of metrics beside Dice in a report's trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segmint.evaluation.metric_table import measured_share

_HEADINGS = {
    "precision": "Precision",
    "sensitivity": "Sensitivity",
    "hd95": "HD95",
    "nsd": "Surface Dice",
    "lesion_f1": "Lesion F1",
    "volume_error": "Volume error",
    "false_positive_volume": "False-positive volume",
    "false_positive_area": "False-positive area",
}
_CAPTION = (
    "Means over labels, subjects and seeds with 95% intervals; higher is better for precision, sensitivity, surface Dice "
    "and lesion F1, lower for the others. What has no value is left out of a mean: Dice, above, where a label is absent from "
    "truth and prediction, so that an absent label counts only where it is found, as 0; HD95 where a label is missed or "
    "absent, precision where nothing is predicted, sensitivity where there is nothing to find; false-positive volume is "
    "measured on subjects without the label alone, false-positive area on slices without it, as a mean over such slices. The "
    "share of the values (one a label, subject and seed) that exist is given here. Training sets with different shares are "
    "not compared on the same subjects."
)


@dataclass(frozen=True)
class MetricCell:
    """A mean, its interval, and which share of its values exists where not all do; the last two may be empty."""

    mean: str
    interval: str
    share: str


@dataclass(frozen=True)
class MetricTable:
    """`headings` with unit or tolerance on a second line, and for each arm by name the cells below them."""

    caption: str
    headings: tuple[tuple[str, str], ...]
    rows: Mapping[str, tuple[MetricCell, ...]]


def metric_table(trial: Mapping[str, Any]) -> MetricTable | None:
    """The table of a trial.json; None where it holds no metrics but Dice."""
    metrics = trial.get("metrics")
    if not metrics:
        return None
    # Trials of earlier versions lack the newest.
    shown = {name: heading for name, heading in _HEADINGS.items() if name in metrics}
    return MetricTable(
        _CAPTION,
        tuple((heading, _unit(metrics[name])) for name, heading in shown.items()),
        {
            str(arm["name"]): tuple(_cell(metrics[name]["arms"][arm["name"]], trial) for name in shown)
            for arm in trial.get("arms", [])
        },
    )


def _unit(metric: Mapping[str, Any]) -> str:
    unit = str(metric.get("unit") or "")
    return f"within {metric['tolerance']:.3g} {unit}" if "tolerance" in metric else unit


def _cell(one: Mapping[str, Any], trial: Mapping[str, Any]) -> MetricCell:
    if one["mean"] is None:
        return MetricCell("–", "", "")
    low, high = one["interval"]
    known = [value for value in (one["mean"], low, high) if value is not None]
    mean, *ends = (f"{value:.{_decimals(known)}f}" for value in known)
    interval = "" if len(ends) < 2 or low == high else " to ".join(ends)
    share = measured_share(one, trial)
    return MetricCell(mean, interval, "" if share == 1 else f"{share:.1%} of values")


def _decimals(values: Sequence[float]) -> int:
    """Three for shares, fewer for what is larger; the same for a mean and its interval."""
    largest = max(abs(value) for value in values)
    return 3 if largest <= 1 else 2 if largest < 100 else 0
