"""The section `fidelity` as a table for a rich console."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from segmint.evaluation.fidelity_findings import NOT_TESTED, NOTHING_FOUND, was_tested
from segmint.evaluation.fidelity_words import BETTER, METRIC_WORDS, say_bare, say_number


def fidelity_table(section: Mapping[str, Any]) -> RenderableType:
    """Numbers of synthetic images beside those of the yardstick; intensities inside labels are left to evaluation.json."""
    table = Table(
        title="Images: synthetic ones and other real ones, each against real ones that trained (95% interval)",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        pad_edge=False,
    )
    table.add_column("measure", overflow="fold")
    for heading in ("synthetic", "real", "better"):
        table.add_column(heading, justify="right", no_wrap=True)
    last = None
    for row in section["measures"]:
        if row["inside"]:
            continue
        heading = row["of"] if row["group"] in ("features", "images") else f"{row['of']}, {row['group']}"
        if heading != last:
            table.add_row(Text(heading, style="bold"))
            last = heading
        metric = row["metric"]
        table.add_row(
            METRIC_WORDS[metric],
            *(with_interval(metric, row[side]) for side in ("synthetic", "real")),
            BETTER[section["metrics"][metric]["direction"]],
        )
    said = [Text(sentence) for sentence in section["sentences"]]
    found = [Text(f"{one['code']}: {one['message']} {one['advice']}", style="bold red") for one in section["findings"]]
    good = [Text(NOTHING_FOUND, style="bold green") if was_tested(section) else Text(NOT_TESTED, style="bold")]
    notes = [Text(f"- {note}", style="dim") for note in section["notes"]]
    if not section["measures"]:
        return Group(*notes)
    return Group(table, *said, *(found or good), *notes)


def with_interval(metric: str, one: Mapping[str, Any]) -> str:
    """A number with its interval; a dash where there is none."""
    if one["value"] is None:
        return "–"
    low, high = one["interval"]
    if low is None or high is None:
        return say_number(metric, one["value"])
    return f"{say_number(metric, one['value'])} ({say_bare(metric, low)}–{say_bare(metric, high)})"
