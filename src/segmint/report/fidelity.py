"""The section on images: findings, sentences, measures beside the yardstick as tables, spectra and intensities as figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from segmint.evaluation.fidelity_findings import NOT_TESTED, NOTHING_FOUND, is_sure, was_tested
from segmint.evaluation.fidelity_words import BETTER, METRIC_WORDS, others, say_bare, say_number
from segmint.report.material import Material
from segmint.report.vector import FAKE, MUTED, REAL, Drawing, draw, plain

# Decibel below the highest power that is shown: what is below is rounding.
_DEPTH = 75.0
_TABLES = (
    (
        "Realism and variety",
        ("features",),
        "In each network's or the radiomic features: synthetic images, and {others} (the yardstick), both against real ones that"
        " trained. Precision and density ask whether fakes look real, recall and coverage whether all that is real is drawn.",
    ),
    (
        "Intensities and spectra",
        ("intensity", "spectrum"),
        "By channel: distance of intensities as a share of their range, over whole images and inside each label; difference of"
        " power spectra; and what images hold more (+) or less (−) above a quarter cycle a pixel than real ones that trained.",
    ),
)
_INTERVALS = "Below each number its 95% interval. Bold: chance hardly explains the difference."
_LINES = (("real", REAL, "--"), ("synthetic", FAKE, "-"))


def fidelity_section(material: Material, numbers: Iterator[int]) -> Mapping[str, Any] | None:
    """What the page shows of the section `fidelity` of evaluation.json; None where it was not measured."""
    fidelity = (material.evaluation or {}).get("fidelity")
    if not isinstance(fidelity, Mapping):
        return None
    kind = others(fidelity["real"]["kind"])
    figures = [
        (figure, next(numbers), caption)
        for figure, caption in (
            (
                spectrum_figure(fidelity["spectra"]),
                f"Power by spatial frequency: real images that trained (wide), {kind} (dashed), synthetic ones. Too low at the"
                " right end means blur, too high noise, a single peak a checkerboard.",
            ),
            (
                intensity_figure(fidelity["histograms"]),
                f"Share of pixels by intensity, over whole images and inside each label: real images that trained (wide), {kind}"
                " (dashed), synthetic ones. The darkest intensities, which surround what is shown, are cut off where they tower.",
            ),
        )
        if figure is not None
    ]
    return {
        "findings": fidelity["findings"],
        "nothing": NOTHING_FOUND if was_tested(fidelity) else NOT_TESTED,
        "sentences": fidelity["sentences"],
        "notes": fidelity["notes"],
        "tables": [
            {"title": title, "caption": f"{caption.format(others=kind)} {_INTERVALS}", **table}
            for title, groups, caption in _TABLES
            if (table := _table(fidelity, groups)) is not None
        ],
        "figures": figures,
    }


def _table(fidelity: Mapping[str, Any], groups: Sequence[str]) -> dict[str, Any] | None:
    """A row a measure; for each network or channel a column of synthetic images and one of the yardstick."""
    rows = [row for row in fidelity["measures"] if row["group"] in groups]
    if not rows:
        return None
    found = {(_measure(row), row["of"]): row for row in rows}
    columns = list(dict.fromkeys(row["of"] for row in rows))
    directions = {_measure(row): BETTER[fidelity["metrics"][row["metric"]]["direction"]] for row in rows}
    return {
        "columns": columns,
        "rows": [
            {
                "measure": measure,
                "better": better,
                "cells": [
                    _cell(found.get((measure, of)), side, tests=len(fidelity["measures"]))
                    for of in columns
                    for side in ("synthetic", "real")
                ],
            }
            for measure, better in directions.items()
        ],
    }


def _measure(row: Mapping[str, Any]) -> str:
    return METRIC_WORDS[row["metric"]] + (f" inside {row['inside']}" if row["inside"] else "")


def _cell(row: Mapping[str, Any] | None, side: str, *, tests: int) -> dict[str, Any]:
    """A number with its interval, as the page's table takes it; `sure` where it is of a synthetic set that surely differs.

    A dash where a column lacks the measure, or the measure its number.
    """
    if row is None or row[side]["value"] is None:
        return {"text": "–", "interval_text": "", "sure": False}
    metric, one, sure = row["metric"], row[side], is_sure(row, tests)
    low, high = one["interval"]
    text = "" if low is None or high is None else f"{say_bare(metric, low)} to {say_bare(metric, high)}"
    return {"text": say_number(metric, one["value"]), "interval_text": text, "sure": sure and side == "synthetic"}


def spectrum_figure(spectra: Mapping[str, Any]) -> Drawing | None:
    """A panel a channel: power in decibel by cycles a pixel."""
    if not spectra:
        return None
    powers = {channel: _decibels(sides) for channel, sides in spectra["power"].items()}

    def panel(axes: Any, name: str) -> None:
        _lines(axes, spectra["cycles_a_pixel"], powers[name])
        axes.set_title(plain(name, 24))

    columns = 2 if len(powers) == 4 else 3
    words = ("cycles a pixel", "power, dB")
    return _panels(list(powers), panel, columns, words, label="Power spectra of real and synthetic images")


def _decibels(sides: Mapping[str, Sequence[float]]) -> dict[str, np.ndarray[Any, Any]]:
    highest = max(max(power) for power in sides.values()) or 1.0
    floor = highest * 10 ** (-_DEPTH / 10)
    return {side: 10 * np.log10(np.maximum(power, floor)) for side, power in sides.items()}


def intensity_figure(histograms: Mapping[str, Any]) -> Drawing | None:
    """A panel for each channel and each of the whole image and the labels: share of pixels by intensity."""
    shares = {
        f"{channel}, {name}": sides
        for channel, places in histograms.items()
        for name, sides in places.items()
        if any(any(side) for side in sides.values())
    }
    if not shares:
        return None

    def panel(axes: Any, name: str) -> None:
        sides = {side: 100 * np.asarray(values) for side, values in shares[name].items()}
        bins = len(sides["training"])
        _lines(axes, (np.arange(bins) + 0.5) / bins * 2 - 1, sides)
        rest = max(float(one[2:].max()) for one in sides.values())
        if rest > 0:
            axes.set_ylim(0, 1.15 * rest)
        axes.set_title(plain(name, 24))

    columns = min(4, *(len(places) for places in histograms.values()))
    words = ("intensity", "pixels, %")
    return _panels(list(shares), panel, columns, words, label="Intensities of real and synthetic images")


def _panels(
    names: Sequence[str], panel: Callable[[Any, str], None], columns: int, words: tuple[str, str], *, label: str
) -> Drawing:
    """A grid of panels; `words` are those below and beside its edge."""
    across = min(columns, len(names))

    def plot(figure: Any, narrow: bool) -> None:
        width = 1 if narrow else across
        for place, name in enumerate(names):
            axes = figure.add_subplot(-(-len(names) // width), width, place + 1)
            panel(axes, name)
            axes.grid(axis="y")
            axes.set_axisbelow(True)
            axes.locator_params(nbins=4)
            if place + width >= len(names):
                axes.set_xlabel(words[0])
            if place % width == 0:
                axes.set_ylabel(words[1])
            if not place:
                axes.legend(loc="best", handlelength=1.6)

    rows = -(-len(names) // across)
    return draw(plot, heights=(205 * rows, 200 * len(names)), label=label)


def _lines(axes: Any, places: Any, sides: Mapping[str, Any]) -> None:
    axes.plot(places, sides["training"], color=MUTED, linewidth=4, alpha=0.45, label="trained")
    for side, colour, style in _LINES:
        axes.plot(places, sides[side], color=colour, linestyle=style, linewidth=1.4, label=side)
