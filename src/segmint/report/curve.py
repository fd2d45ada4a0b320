"""The section on a label-efficiency curve: its figure, its points as a table, its notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from segmint.report.arms import signed_points
from segmint.report.facts import counted
from segmint.report.vector import MUTED, SERIES, Drawing, draw, plain

_MARKERS = "osD^vPX*"
_APART = 0.07


def curve_section(curve: Mapping[str, Any] | None, numbers: Iterator[int]) -> Mapping[str, Any] | None:
    """What the page shows of a curve.json; None where there is none."""
    if curve is None:
        return None
    levels, arms = curve["labelled"], curve["arms"]
    points = {(one["labelled"], one["arm"]): one for one in curve["points"]}
    return {
        "design": (
            f"A {curve['segmenter']} was trained {'once' if curve['seeds'] == 1 else str(curve['seeds']) + ' times'} on each of"
            f" {counted(len(arms), 'training set')}, for {counted(len(levels), 'number')} of labelled subjects, each time for"
            f" {counted(curve['steps'], 'optimiser step')} of {counted(curve['batch'], 'image')} at {curve['size']} pixels, and"
            f" tested on the same {counted(len(curve['test_subjects']), 'held-out subject')}."
        ),
        "figure": _figure(levels, arms, points),
        "number": next(numbers),
        "headings": [_heading(level) for level in levels],
        "rows": [(arm["title"], [_cells(points[level["subjects"], arm["name"]]) for level in levels]) for arm in arms],
        "notes": [str(note) for note in curve["notes"]],
    }


def _heading(level: Mapping[str, Any]) -> str:
    return f"{level['subjects']} (all)" if level["all"] else str(level["subjects"])


def _cells(point: Mapping[str, Any]) -> list[str]:
    """Mean, its interval, the difference from the segmenter on real slices alone with its interval; empty where absent."""
    if point["mean"] is None:
        return ["–"]
    difference = point["difference_to_real"]
    known = point["arm"] != "real" and difference["difference"] is not None
    gain = signed_points(difference["difference"]) if known else ""
    spread = ""
    if gain and None not in difference["interval"]:
        spread = f" ({' to '.join(signed_points(end) for end in difference['interval'])})"
    interval = "" if None in point["interval"] else f"{point['interval'][0]:.3f} to {point['interval'][1]:.3f}"
    return [f"{point['mean']:.3f}", interval, f"{gain}{spread}"]


def _figure(
    levels: Sequence[Mapping[str, Any]],
    arms: Sequence[Mapping[str, Any]],
    points: Mapping[tuple[int, str], Mapping[str, Any]],
) -> Drawing:
    def plot(figure: Any, narrow: bool) -> None:
        axes = figure.add_subplot()
        for place, arm in enumerate(arms):
            shift = 2 ** (_APART * (place - (len(arms) - 1) / 2))
            found = [points[level["subjects"], arm["name"]] for level in levels]
            found = [one for one in found if one["mean"] is not None]
            x, y = [one["labelled"] * shift for one in found], [one["mean"] for one in found]
            colour = SERIES[place % len(SERIES)]
            axes.plot(
                x,
                y,
                _MARKERS[place % len(_MARKERS)] + ("--" if arm["own"] else "-"),
                color=colour,
                markersize=6,
                label=plain(arm["title"]),
            )
            for at, one in zip(x, found, strict=True):
                if None not in one["interval"]:
                    axes.plot([at, at], one["interval"], color=colour, linewidth=1)
        counts = [level["subjects"] for level in levels]
        axes.set_xscale("log", base=2)
        axes.set_xlim(min(counts) / 1.35, max(counts) * 1.35)
        axes.set_xticks(counts, [_heading(level) for level in levels])
        axes.minorticks_off()
        axes.set_xlabel("labelled subjects")
        axes.set_ylabel("Dice on test subjects")
        axes.grid(axis="y", color=MUTED, alpha=0.3)
        figure.legend(loc="outside lower left", ncols=1 if narrow else 2)

    rows = len(arms)
    return draw(
        plot,
        heights=(330 + 20 * (rows // 2), 300 + 20 * rows),
        label="Mean Dice of each training set against the number of labelled subjects",
    )
