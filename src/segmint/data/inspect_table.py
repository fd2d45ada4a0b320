"""An inspection on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text


def inspection_table(report: Mapping[str, Any]) -> Group:
    """Render what `inspect_dataset` returned, for `rich.print`."""
    parts: list[RenderableType] = [_overview(report), _channels(report), _labels(report)]
    if report["problems"]:
        parts.append(Text(f"\n{_counted(len(report['problems']), 'problem')}:", style="bold red"))
        parts += [Text(f"  - {problem}") for problem in report["problems"]]
    else:
        parts.append(Text("\nNo problems found.", style="bold green"))
    parts += [Text(f"  {remark}", style="dim") for remark in report["remarks"]]
    return Group(*parts)


def _overview(report: Mapping[str, Any]) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False, title=escape(report["name"]), title_justify="left")
    table.add_column(style="bold")
    table.add_column()
    per_subject = report["pairs_per_subject"]
    subjects = _counted(report["subjects"], "subject")
    if per_subject and per_subject["largest"] > 1:
        smallest, largest = per_subject["smallest"], per_subject["largest"]
        subjects += f", {largest if smallest == largest else f'{smallest} to {largest}'} pairs each"
    rows = [
        ("identity", report["identity"]),
        ("pairs", f"{report['pairs']} ({report['dimensions']}-D, {report['file_ending']}) of {subjects}"),
        ("sizes", _sizes(report["sizes"])),
        ("spacing", _spacing(report["spacing"])),
        ("empty masks", f"{report['empty_masks']} of {report['readable_pairs']}"),
        ("split", _split(report)),
        ("licence", report["licence"] or "not recorded"),
    ]
    if report["synthetic"]:
        rows.append(("origin", "synthetic"))
    for key, count in (("imagesTs", report["test_images"]), ("imagesUnlabelled", report["unlabelled_images"])):
        if count:
            rows.append((key, f"{count} files"))
    for name, value in rows:
        table.add_row(name, escape(value))
    return table


def _channels(report: Mapping[str, Any]) -> Table:
    table = Table("channel", "stored as", title="\nIntensities", title_justify="left")
    table.add_column("lowest", justify="right")
    table.add_column("highest", justify="right")
    for channel in report["channels"]:
        low, high = ("-" if channel[end] is None else f"{channel[end]:g}" for end in ("lowest", "highest"))
        table.add_row(escape(channel["name"]), channel["stored_as"] or "-", low, high)
    return table


def _labels(report: Mapping[str, Any]) -> Table:
    table = Table(title="\nLabels", title_justify="left")
    table.add_column("id", justify="right")
    table.add_column("label")
    table.add_column("share of pixels", justify="right")
    table.add_column("in pairs", justify="right")
    for label in report["labels"]:
        table.add_row(str(label["id"]), escape(label["name"]), f"{label['share']:.3%}", str(label["pairs"]))
    return table


def _sizes(sizes: Mapping[str, Any] | None) -> str:
    if sizes is None:
        return "-"
    smallest, largest = (" x ".join(map(str, sizes[end])) for end in ("smallest", "largest"))
    if smallest == largest:
        return f"{smallest} all"
    return f"{smallest} to {largest} ({sizes['different']} different)"


def _spacing(spacing: Mapping[str, list[float]] | None) -> str:
    if spacing is None:
        return "not known"
    median, smallest, largest = (
        " x ".join(f"{one:.3g}" for one in spacing[which]) for which in ("median", "smallest", "largest")
    )
    return f"{median} mm" if smallest == largest else f"{median} mm (median; {smallest} to {largest})"


def _split(report: Mapping[str, Any]) -> str:
    if report["split"] is None:
        return "none"
    text = ", ".join(f"{count} {part}" for part, count in report["split"].items()) + " subjects"
    subsets = ", ".join(report["subsets"])
    return f"{text}; subsets {subsets}" if subsets else text


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
