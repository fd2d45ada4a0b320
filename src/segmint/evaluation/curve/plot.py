"""curve.png and curve.svg: mean Dice against the number of labelled subjects, a line an arm."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segmint.outputs import staged_file

# Of Okabe and Ito, told apart with any colour vision; black and grey are the segmenters without pairs.
_GREYS = ("#000000", "#7f7f7f")
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_MARKERS = "osD^vPX*"
# Lines are set beside each other, so that their intervals can be read.
_APART = 0.035


def write_curve_plot(folder: Path, curve: Mapping[str, Any]) -> None:
    """Draw a curve.json; intervals are bars."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Text stays text, and the same curve always gives the same file.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "segmint"}):
        figure = Figure(figsize=(7.2, 4.6), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        colours = _colours(curve)
        for place, arm in enumerate(curve["arms"]):
            found = [one for one in curve["points"] if one["arm"] == arm["name"] and one["mean"] is not None]
            if not found:
                continue
            shift = 2 ** (_APART * 2 * (place - (len(curve["arms"]) - 1) / 2))
            x = [one["labelled"] * shift for one in found]
            y = [one["mean"] for one in found]
            spread = [[_below(one) for one in found], [_above(one) for one in found]]
            axes.errorbar(
                x,
                y,
                yerr=spread,
                label=arm["title"],
                markersize=5,
                linewidth=1.4,
                elinewidth=1,
                capsize=2,
                linestyle="--" if arm["own"] else "-",
                color=colours[arm["name"]],
                marker=_MARKERS[place % len(_MARKERS)],
            )
        counts = [level["subjects"] for level in curve["labelled"]]
        axes.set_xscale("log", base=2)
        axes.set_xlim(min(counts) / 1.35, max(counts) * 1.35)
        axes.set_xticks(
            counts, [f"{one['subjects']}\n(all)" if one["all"] else str(one["subjects"]) for one in curve["labelled"]]
        )
        axes.minorticks_off()
        axes.set_xlabel("labelled subjects")
        axes.set_ylabel(f"Dice on {len(curve['test_subjects'])} test subjects, with 95% interval")
        axes.set_title(str(curve["dataset"]["name"]), fontsize=10, loc="left")
        axes.grid(axis="y", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside lower left", ncols=2, fontsize=8, frameon=False)
        with staged_file(folder / "curve.png") as staging:
            figure.savefig(staging, dpi=130)
        with staged_file(folder / "curve.svg") as staging:
            figure.savefig(staging, metadata={"Date": None})


def _colours(curve: Mapping[str, Any]) -> dict[str, str]:
    """A recipe's pairs and its own segmenter, which is dashed, share a colour."""
    recipes = list(curve["recipes"])
    plain = [arm["name"] for arm in curve["arms"] if arm["recipe"] is None]
    greys = {name: _GREYS[number % len(_GREYS)] for number, name in enumerate(plain)}
    coloured = {
        arm["name"]: _COLOURS[recipes.index(arm["recipe"]) % len(_COLOURS)]
        for arm in curve["arms"]
        if arm["recipe"] is not None
    }
    return {**greys, **coloured}


def _below(point: Mapping[str, Any]) -> float:
    low = point["interval"][0]
    return 0.0 if low is None else max(0.0, point["mean"] - low)


def _above(point: Mapping[str, Any]) -> float:
    high = point["interval"][1]
    return 0.0 if high is None else max(0.0, high - point["mean"])
