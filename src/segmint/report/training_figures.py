"""The figures of a training: one panel of losses for each network, and the validation measure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from segmint.report.vector import INK, SERIES, Drawing, draw, plain

Ticks = Sequence[Mapping[str, Any]]
_STYLES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (7, 2, 1.5, 2)))


def stages_of(log: Ticks) -> dict[str, list[Mapping[str, Any]]]:
    """The ticks of each stage, stages in the order in which they were trained."""
    stages: dict[str, list[Mapping[str, Any]]] = {}
    for tick in log:
        stages.setdefault(str(tick.get("stage", "")), []).append(tick)
    return stages


def counts_pixels(ticks: Ticks) -> bool:
    """Whether a stage's budget counts single pixels, not images."""
    return bool(ticks) and ticks[-1].get("unit") == "px"


def shown_unit(ticks: Ticks) -> str:
    """What a stage was shown, in words for a thousand of them."""
    return f"thousand {'pixels' if counts_pixels(ticks) else 'images'}"


def loss_figure(ticks: Ticks, title: str) -> Drawing | None:
    """The losses of one stage: every network has its own panel and axis, logarithmic where values span decades."""
    curves = loss_curves(ticks)
    if not curves:
        return None

    def plot(figure: Any, narrow: bool) -> None:
        columns = 1 if narrow else min(2, len(curves))
        for place, (panel, terms) in enumerate(curves.items()):
            axes = figure.add_subplot(-(-len(curves) // columns), columns, place + 1)
            _plot_terms(axes, terms, shown_unit(ticks))
            axes.set_title(plain(panel, 40), pad=_place_legend(axes, len(terms), len(panel)))

    rows_wide = -(-len(curves) // min(2, len(curves)))
    return draw(plot, heights=(270 * rows_wide, 250 * len(curves)), label=f"Losses while training {plain(title)}")


def _plot_terms(axes: Any, terms: Mapping[str, tuple[list[float], list[float]]], unit: str) -> None:
    for number, (term, (kimg, values)) in enumerate(terms.items()):
        axes.plot(
            kimg,
            values,
            color=SERIES[number % len(SERIES)],
            linestyle=_STYLES[number % len(_STYLES)],
            label=plain(term.replace("_", " "), 28),
            marker="o" if len(kimg) < 3 else None,
            markersize=4,
        )
    scale = axis_scale(values for _, values in terms.values())
    axes.set_yscale(scale, **({"linthresh": 0.1} if scale == "symlog" else {}))
    if scale != "linear":
        axes.yaxis.set_major_formatter(_plain_number)
        axes.yaxis.set_minor_formatter("")
    axes.set_xlabel(unit + ("" if scale == "linear" else " (logarithmic vertical axis)"))
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    axes.margins(x=0.01)


def _plain_number(value: float, _position: int) -> str:
    return f"{value:g}".replace("-", "−")


def _place_legend(axes: Any, entries: int, title_length: int) -> float:
    """Put the legend above the panel, where it hides no curve; return the room it needs below the title."""
    if entries <= 2 and title_length <= 16:
        axes.legend(
            loc="lower right", bbox_to_anchor=(1, 1), ncols=2, handlelength=2, borderaxespad=0.2, columnspacing=1
        )
        return 9
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, handlelength=2, borderaxespad=0.2, columnspacing=1.4)
    return 12 + 19 * -(-entries // 2)


def loss_curves(ticks: Ticks) -> dict[str, dict[str, tuple[list[float], list[float]]]]:
    """Panel -> loss term -> (kimg, values), one panel for each network; values that were not finite are left out.

    A discriminator's mean outputs are logged beside its losses but are none: they get a panel of their own.
    """
    curves: dict[str, dict[str, tuple[list[float], list[float]]]] = {}
    for tick in ticks:
        for network, terms in (tick.get("losses") or {}).items():
            for term, value in terms.items():
                if value is not None and math.isfinite(value):
                    panel = str(network).replace("_", " ") + (", outputs" if term.endswith("_logit") else "")
                    kimg, values = curves.setdefault(panel, {}).setdefault(term, ([], []))
                    kimg.append(float(tick["kimg"]))
                    values.append(float(value))
    return curves


def axis_scale(series: Any) -> str:
    """The axis that shows all of some curves.

    "log" where positive values span more than a factor of 30; "symlog" where signed ones reach further than 30 times their
    median size; else "linear".
    """
    values = np.concatenate([np.asarray(each, dtype=float) for each in series])
    if values.size == 0:
        return "linear"
    if (values > 0).all():
        return "log" if values.max() / np.quantile(values, 0.02) > 30 else "linear"
    sizes = np.abs(values)
    return "symlog" if sizes.max() > 30 * np.median(sizes) > 0 else "linear"


def validation_figure(ticks: Ticks) -> Drawing | None:
    """The validation measure over a stage; the best value, whose checkpoint is kept, is ringed."""
    points = [(float(tick["kimg"]), tick["validation"]) for tick in ticks if tick.get("validation")]
    points = [(kimg, one) for kimg, one in points if one.get("value") is not None and math.isfinite(one["value"])]
    if len(points) < 2:
        return None
    name = plain(str(points[0][1].get("name", "validation")).replace("_", " "))
    lower = points[0][1].get("direction") == "lower"
    best = (min if lower else max)(points, key=lambda point: point[1]["value"])

    def plot(figure: Any, _narrow: bool) -> None:
        axes = figure.add_subplot()
        axes.plot([kimg for kimg, _ in points], [entry["value"] for _, entry in points], color=SERIES[0])
        axes.plot([best[0]], [best[1]["value"]], "o", markersize=11, markerfacecolor="none", markeredgecolor=INK)
        axes.annotate(
            f"best: {best[1]['value']:.4g}",
            (best[0], best[1]["value"]),
            xytext=(0, 12),
            textcoords="offset points",
            ha="right" if best[0] > points[-1][0] / 2 else "left",
        )
        axes.set_xlabel(shown_unit(ticks))
        axes.set_ylabel(f"{name} ({'lower' if lower else 'higher'} is better)")
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        axes.margins(x=0.02, y=0.14)

    label = f"{name} on validation subjects, best {best[1]['value']:.4g} at {best[0]:g} {shown_unit(ticks)}"
    return draw(plot, heights=(240, 230), label=label)
