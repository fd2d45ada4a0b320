"""The figure of a mixture curve: what synthetic pairs add to Dice, against their share."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from segmint.report import vector
from segmint.report.arms import Arm
from segmint.report.vector import MUTED, PAPER, Drawing, draw, plain

# Fewer make no curve.
FEWEST_SHARES = 3
_PAIRS = re.compile(r"(?:^|\+)([1-9][0-9]{0,5})([FC])(?=\+|$)")
_MARKERS = "oDs^vP"
# Lines are set beside each other, so that their intervals can be read.
_APART = 0.06


def mixture_curves(arms: Sequence[Arm]) -> dict[str, list[tuple[int, Arm]]]:
    """By what the arms share, such as "100R + F", their shares in percent, ascending, each with its arm.

    Only arms with a difference from 100R count, and only what comes in three shares at least.
    """
    found: dict[str, list[tuple[int, Arm]]] = defaultdict(list)
    for arm in arms:
        match = _PAIRS.search(arm.name)
        if match is None or arm.difference is None or arm.difference.mean is None:
            continue
        rest = (arm.name[: match.start()] + arm.name[match.end() :]).strip("+")
        found[f"{rest} + {match[2]}" if rest else match[2]].append((int(match[1]), arm))
    return {
        kind: sorted(shares, key=lambda one: one[0]) for kind, shares in found.items() if len(shares) >= FEWEST_SHARES
    }


def mixture_figure(arms: Sequence[Arm]) -> Drawing | None:
    """Difference in mean Dice from 100R, in points with its 95% interval, against the share of pairs; None without a curve."""
    curves = mixture_curves(arms)
    if not curves:
        return None
    ticks = sorted({share for curve in curves.values() for share, _ in curve})

    def plot(figure: Any, narrow: bool) -> None:
        axes = figure.add_subplot()
        axes.axhline(0, color=MUTED, linestyle=(0, (4, 3)), linewidth=1)
        for place, (kind, curve) in enumerate(curves.items()):
            shift = 2 ** (_APART * (place - (len(curves) - 1) / 2))
            colour = vector.SERIES[place % len(vector.SERIES)]
            x = [share * shift for share, _ in curve]
            for at, (_, arm) in zip(x, curve, strict=True):
                low, high = _ends(arm)
                axes.plot([at, at], [low, high], color=colour, linewidth=2.4)
            axes.plot(
                x,
                [_points(arm) for _, arm in curve],
                marker=_MARKERS[place % len(_MARKERS)],
                color=colour,
                markeredgecolor=PAPER,
                markersize=9,
                label=plain(kind, 24),
            )
        axes.set_xscale("log", base=2)
        axes.set_xticks(ticks, [str(share) for share in ticks])
        axes.minorticks_off()
        axes.set_xlabel("synthetic pairs, in percent of the real slices")
        axes.set_ylabel("points of Dice above 100R")
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        if len(curves) > 1:
            figure.legend(loc="outside upper left", ncols=2 if narrow else 4)

    told = "; ".join(f"{arm.name} {_points(arm):+.1f}" for curve in curves.values() for _, arm in curve)
    return draw(plot, heights=(280, 260), label=f"Points of Dice above 100R by share of synthetic pairs: {told}")


def _points(arm: Arm) -> float:
    assert arm.difference is not None
    assert arm.difference.mean is not None
    return 100 * arm.difference.mean


def _ends(arm: Arm) -> tuple[float, float]:
    """Of the interval, in points; no length where there is none."""
    assert arm.difference is not None
    low, high = arm.difference.low, arm.difference.high
    return (_points(arm), _points(arm)) if low is None or high is None else (100 * low, 100 * high)
