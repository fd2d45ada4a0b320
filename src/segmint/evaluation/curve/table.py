"""A curve as a table: on screen, and in curve.csv."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from segmint.evaluation.table import csv_text, dice_interval, dice_text, of_segmenter, over, shown_difference


def curve_rows(curve: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row of plain numbers for each point of a curve.json, as in curve.csv.

    Columns: labelled subjects, arm, slices, segmenters trained; mean Dice (0 to 1) over labels, subjects and seeds with its
    95% interval; the paired difference from the first arm on the same subjects; the mean of each label. None where there is no
    number.
    """
    rows = []
    for point in curve["points"]:
        row = {
            "labelled": point["labelled"],
            "arm": point["arm"],
            "slices": point["slices"],
            "segmenters": point["segmenters"],
            "dice": point["mean"],
            "dice low": point["interval"][0],
            "dice high": point["interval"][1],
            "difference_to_real": point["difference_to_real"]["difference"],
            "difference_to_real low": point["difference_to_real"]["interval"][0],
            "difference_to_real high": point["difference_to_real"]["interval"][1],
        }
        row |= {f"dice {label}": one["mean"] for label, one in point["labels"].items()}
        rows.append(row)
    return rows


def curve_csv(curve: Mapping[str, Any]) -> str:
    """`curve_rows` as CSV text; empty fields where there is no number."""
    return csv_text(curve_rows(curve))


def curve_table(curve: Mapping[str, Any]) -> RenderableType:
    """Mean Dice of each arm, one column for each number of labelled subjects, the gains below, then the notes."""
    subjects, seeds = len(curve["test_subjects"]), curve["seeds"]
    what = f"{subjects} test subject{'s' if subjects != 1 else ''}, {seeds} seed{'s' if seeds != 1 else ''} an arm"
    means = _table(
        curve,
        f"Dice by labelled subjects on {what}, {curve['steps']} steps of {curve['batch']}{of_segmenter(curve)}; 95% intervals",
    )
    gains = _table(curve, f"Points above the {curve['arms'][0]['title']} on the same subjects")
    for arm in curve["arms"]:
        of_arm = [point for point in curve["points"] if point["arm"] == arm["name"]]
        means.add_row(arm["title"], *(over(dice_text(one["mean"]), dice_interval(one["interval"])) for one in of_arm))
        if arm is not curve["arms"][0]:
            gains.add_row(arm["title"], *(shown_difference(one["difference_to_real"]) for one in of_arm))
    notes = [Text(f"- {note}", style="dim") for note in curve["notes"]]
    return Group(means, gains, *notes)


def _table(curve: Mapping[str, Any], title: str) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False
    )
    table.add_column("arm", overflow="fold", style="bold")
    for level in curve["labelled"]:
        name = f"{level['subjects']} (all)" if level["all"] else str(level["subjects"])
        table.add_column(name, justify="right", no_wrap=True)
    return table
