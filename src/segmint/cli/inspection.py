"""An inspection on screen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


def show_inspection(inspection: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what `inspect_dataset` found to stdout, as tables or as JSON."""
    if as_json:
        print(json.dumps(inspection, indent=1))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from segmint.report.inspection import inspection_facts

    console = Console()
    facts = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in inspection_facts(inspection):
        facts.add_row(Text(name, style="bold"), Text(value))
    console.print(facts)
    channels = Table("channel", "stored as", "lowest", "highest", header_style="bold")
    for channel in inspection["channels"]:
        numbers = [_number(channel["lowest"]), _number(channel["highest"])]
        channels.add_row(Text(channel["name"]), channel["stored_as"], *numbers)
    console.print(channels)
    console.print(_shares("label", inspection["labels"]))
    for condition in inspection["conditions"]:
        console.print(_shares(f"condition {condition['name']}", condition["labels"]))
    for remark in inspection["remarks"]:
        console.print(Text(f"- {remark}"))
    for problem in inspection["problems"]:
        console.print(Text(f"! {problem}", style="bold red"))
    if not inspection["problems"]:
        console.print(Text("No problem found.", style="green"))


def _shares(what: str, labels: Sequence[Mapping[str, Any]]) -> Table:
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    table = Table("id", escape(what), "share of pixels", "pairs", header_style="bold")
    for label in labels:
        table.add_row(str(label["id"]), Text(label["name"]), f"{100 * label['share']:.3g}%", str(label["pairs"]))
    return table


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:g}"
