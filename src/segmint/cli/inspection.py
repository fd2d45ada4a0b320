"""An inspection on screen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def show_inspection(inspection: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what `inspect_dataset` found to stdout, as tables or as JSON."""
    if as_json:
        print(json.dumps(inspection, indent=1))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    facts = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in _facts(inspection):
        facts.add_row(Text(name, style="bold"), Text(value))
    console.print(facts)
    channels = Table("channel", "stored as", "lowest", "highest", header_style="bold")
    for channel in inspection["channels"]:
        numbers = [_number(channel["lowest"]), _number(channel["highest"])]
        channels.add_row(Text(channel["name"]), channel["stored_as"], *numbers)
    console.print(channels)
    labels = Table("id", "label", "share of pixels", "pairs", header_style="bold")
    for label in inspection["labels"]:
        labels.add_row(str(label["id"]), Text(label["name"]), f"{100 * label['share']:.3g}%", str(label["pairs"]))
    console.print(labels)
    for remark in inspection["remarks"]:
        console.print(Text(f"- {remark}"))
    for problem in inspection["problems"]:
        console.print(Text(f"! {problem}", style="bold red"))
    if not inspection["problems"]:
        console.print(Text("No problem found.", style="green"))


def _facts(inspection: Mapping[str, Any]) -> list[tuple[str, str]]:
    sizes, spacing, split = inspection["sizes"], inspection["spacing"], inspection["split"]
    facts = [
        ("dataset", f"{inspection['name']} ({inspection['path']})"),
        ("licence", inspection["licence"] or "not recorded"),
        ("pairs", f"{inspection['pairs']} of {inspection['subjects']} subjects, {inspection['dimensions']}-D"),
        ("masks without any label", str(inspection["empty_masks"])),
    ]
    if sizes is not None:
        smallest, largest = _shape(sizes["smallest"]), _shape(sizes["largest"])
        facts.append(("size", smallest if smallest == largest else f"{smallest} to {largest}"))
    if spacing is not None:
        facts.append(("spacing (mm)", " x ".join(f"{value:.3g}" for value in spacing["median"])))
    if split is not None:
        facts.append(("split (subjects)", ", ".join(f"{number} {part}" for part, number in split.items())))
    for name, subset in inspection["subsets"].items():
        slices = "" if subset["slices"] is None else f", {subset['slices']} slices"
        facts.append((f"subset {name}", f"{subset['subjects']} subjects{slices}"))
    return facts


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(str(side) for side in shape)


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:g}"
