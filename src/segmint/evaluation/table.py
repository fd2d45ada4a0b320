"""A trial as a table: on screen, and in trial.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from segmint.evaluation.arms import REAL_ARM
from segmint.evaluation.augment_words import augmentation_of
from segmint.evaluation.cost import cost_sentence
from segmint.evaluation.metric_table import metric_table
from segmint.evaluation.points import points
from segmint.evaluation.secondary import convergence_sentence, secondary_sentences
from segmint.metrics import dice

MOST_LABELS_BESIDE = 2

_COLOURS = {
    "helps": "green",
    "harms": "red",
    "equivalent": "cyan",
    "inconclusive": "yellow",
    "none added": "cyan",
    "not converged": "yellow",
    "descriptive": "cyan",
}


def trial_rows(trial: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row of plain numbers for each arm of a trial.json, as in trial.csv.

    Columns: the arm and its slices by origin; mean Dice (0 to 1) over labels, subjects and seeds with its 95%
    interval; the same of each label; the ratio to 100R and the paired difference from it; p of the Wilcoxon signed-rank test
    against 100R, plain and adjusted by Holm; what validation Dice gained over the last fifth of the steps, in points. None
    where there is no number. Last every other metric over labels, subjects and seeds, with its interval and the number of
    subjects that have a value.
    """
    rows = []
    for arm in trial["arms"]:
        row: dict[str, Any] = {
            "arm": arm["name"],
            "real_slices": arm["real_slices"],
            "synthetic_slices": arm["synthetic_slices"],
            "augmented_slices": arm["augmented_slices"],
            "repeated_slices": arm.get("repeated_slices", 0),
            **_columns("dice", arm["mean"], arm["interval"]),
        }
        for label, one in arm["labels"].items():
            row |= _columns(f"dice {label}", one["mean"], one["interval"])
        difference = arm["difference_to_real"] or {"difference": None, "interval": [None, None]}
        row["ratio_to_real"] = arm["ratio_to_real"]
        row |= _columns("difference_to_real", difference["difference"], difference["interval"])
        wilcoxon = arm.get("wilcoxon") or {"p": None, "p_holm": None}
        row |= {"wilcoxon p": wilcoxon["p"], "wilcoxon p holm": wilcoxon["p_holm"]}
        row["convergence_gain_points"] = trial.get("convergence", {}).get(arm["name"], {}).get("gain_points")
        for name, metric in trial.get("metrics", {}).items():
            if name != dice.NAME:
                one = metric["arms"][arm["name"]]
                row |= _columns(name, one["mean"], one["interval"]) | {f"{name} subjects": one["subjects"]}
        rows.append(row)
    return rows


def _columns(name: str, value: float | None, interval: list[float | None]) -> dict[str, float | None]:
    return {name: value, f"{name} low": interval[0], f"{name} high": interval[1]}


def trial_csv(trial: Mapping[str, Any]) -> str:
    """`trial_rows` as CSV text; empty fields where there is no number."""
    return csv_text(trial_rows(trial))


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of plain numbers, all with the same columns, as CSV text."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {key: round(value, 6) if isinstance(value, float) else value for key, value in row.items()} for row in rows
    )
    return buffer.getvalue()


def trial_table(trial: Mapping[str, Any], *, cost: Mapping[str, Any] | None = None) -> RenderableType:
    """The table of Dice, one of further metrics, then the verdict, what stands beside it, the notes, for a rich console.

    Args:
        trial: content of trial.json; cost: of cost.json, where it is known.
    """
    labels = list(trial["label_names"][1:])
    seeds, subjects = trial["seeds"], len(trial["test_subjects"])
    trained = (
        trial["segmenter"]
        if trial["steps"] is None
        else f"{trial['steps']} steps of {trial['batch']}{of_segmenter(trial)}"
    )
    table = Table(
        title=f"Dice on {subjects} test subject{_s(subjects)}, {seeds} seed{_s(seeds)} an arm, {trained}, augmentation "
        f"{augmentation_of(trial)}; 95% intervals",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        pad_edge=False,
    )
    table.add_column("arm", no_wrap=True, style="bold")
    for heading in ("slices", "mean Dice"):
        table.add_column(heading, justify="right", no_wrap=True)
    # With one label its Dice is the mean; more than two go into a table of their own, or 80 columns would cut numbers.
    shown = labels if len(labels) == MOST_LABELS_BESIDE else []
    for label in shown:
        table.add_column(Text(label), justify="right", overflow="fold", min_width=5)
    for heading in ("ratio\nto 100R", "points\nabove 100R"):
        table.add_column(heading, justify="right", no_wrap=True)
    for arm in trial["arms"]:
        table.add_row(
            arm["name"],
            str(sum(arm.get(f"{origin}_slices", 0) for origin in ("real", "synthetic", "augmented", "repeated"))),
            over(dice_text(arm["mean"]), dice_interval(arm["interval"])),
            *(dice_text(arm["labels"][label]["mean"]) for label in shown),
            dice_text(arm["ratio_to_real"], decimals=2),
            _difference(arm),
        )
    verdict = Text(trial["verdict"]["sentence"], style=f"bold {_COLOURS[trial['verdict']['kind']]}")
    notes = [Text(f"- {note}", style="dim") for note in trial["notes"]]
    by_label = [_label_table(trial, labels)] if len(labels) > MOST_LABELS_BESIDE else []
    further = [metric_table(trial)] if "metrics" in trial else []
    beside = [convergence_sentence(trial), *secondary_sentences(trial), cost_sentence(cost)]
    secondary = [Text(line, style="dim") for line in beside if line]
    return Group(table, *by_label, *further, verdict, *secondary, *notes)


def segmenter_words(trial: Mapping[str, Any]) -> str:
    """Recipe, preset and capacity of a trial's segmenters, as far as it tells them, such as "segan, faithful, small"."""
    return ", ".join(
        str(trial[key]) for key in ("segmenter", "segmenter_preset", "segmenter_capacity") if trial.get(key)
    )


def of_segmenter(trial: Mapping[str, Any]) -> str:
    """The same in brackets, after a space; empty for what earlier versions wrote."""
    return f" ({segmenter_words(trial)})" if trial.get("segmenter_capacity") else ""


def _label_table(trial: Mapping[str, Any], labels: list[str]) -> Table:
    """Dice of each label, one row a label, one column an arm."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("label", overflow="fold", style="bold")
    for arm in trial["arms"]:
        table.add_column(arm["name"], justify="right", overflow="fold", min_width=5)
    for label in labels:
        table.add_row(label, *(dice_text(arm["labels"][label]["mean"]) for arm in trial["arms"]))
    return table


def _s(number: int) -> str:
    return "" if number == 1 else "s"


def dice_text(value: float | None, *, decimals: int = 3) -> str:
    """A Dice, or a dash where there is none."""
    return "–" if value is None else f"{value:.{decimals}f}"


def dice_interval(interval: Sequence[float | None]) -> str:
    """An interval of Dice, or nothing where there is none."""
    low, high = interval
    return "" if low is None or high is None else f"{low:.3f}–{high:.3f}"


def _difference(arm: Mapping[str, Any]) -> Text:
    """Difference from 100R in points over its interval."""
    return Text("–") if arm["name"] == REAL_ARM else shown_difference(arm["difference_to_real"])


def shown_difference(difference: Mapping[str, Any] | None) -> Text:
    """A difference in points over its interval."""
    if difference is None or difference["difference"] is None:
        return Text("–")
    low, high = difference["interval"]
    interval = "" if low is None or high is None else f"{points(low, signed=True)} to {points(high, signed=True)}"
    return over(points(difference["difference"], signed=True), interval)


def over(value: str, interval: str) -> Text:
    """A value with its interval, dim, on a line below."""
    return Text.assemble(value, ("\n" + interval, "dim")) if interval else Text(value)
