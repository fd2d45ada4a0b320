"""The figures of a trial: arms with their intervals, labels apart, subjects one by one, learning curves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from segmint.report import vector
from segmint.report.arms import COLOURS, MARKERS, Arm
from segmint.report.vector import INK, MUTED, PAPER, RULE, Drawing, draw, plain


def forest(arms: Sequence[Arm]) -> Drawing | None:
    """Mean Dice over labels of each arm with its interval; a dashed line stands at the arm of real slices alone."""
    measured = [arm for arm in arms if arm.overall.mean is not None]
    if not measured:
        return None

    def plot(figure: Any, narrow: bool) -> None:
        axes = figure.add_subplot()
        _rows(axes, [(arm, arm.overall) for arm in measured], names=True, ticks=5)
        axes.set_xlabel("Dice, mean over labels and subjects")
        if not narrow:
            _write_numbers(axes, measured)

    label = "Mean Dice of each arm: " + "; ".join(
        f"{plain(arm.name)} {arm.overall.text}"
        + (f" ({arm.overall.interval_text})" if arm.overall.interval_text else "")
        for arm in measured
    )
    height = 74 + 38 * len(measured)
    return draw(plot, heights=(height, height), label=label)


def forest_by_label(arms: Sequence[Arm]) -> Drawing | None:
    """One small panel for each label; None where there is only one label."""
    names = list(dict.fromkeys(name for arm in arms for name in arm.labels))
    if len(names) < 2:
        return None

    def plot(figure: Any, narrow: bool) -> None:
        columns = 1 if narrow else min(3, len(names))
        for place, name in enumerate(names):
            axes = figure.add_subplot(-(-len(names) // columns), columns, place + 1)
            rows = [(arm, arm.labels[name]) for arm in arms if name in arm.labels and arm.labels[name].mean is not None]
            _rows(axes, rows, names=place % columns == 0, ticks=5 if narrow else 3)
            axes.set_title(plain(name, 32))

    panel = 66 + 26 * len(arms)
    rows_wide = -(-len(names) // min(3, len(names)))
    return draw(
        plot,
        heights=(rows_wide * panel + 6, len(names) * panel + 6),
        label="Dice of each arm, one panel for each label",
    )


def _rows(axes: Any, rows: Sequence[tuple[Arm, Any]], *, names: bool, ticks: int) -> None:
    reference = next((estimate.mean for arm, estimate in rows if arm.is_reference), None)
    if reference is not None:
        axes.axvline(reference, color=MUTED, linestyle=(0, (4, 3)), linewidth=1, zorder=1)
    for place, (arm, estimate) in enumerate(rows):
        colour = COLOURS[arm.kind]
        if estimate.low is not None and estimate.high is not None:
            axes.plot([estimate.low, estimate.high], [place, place], color=colour, linewidth=2.4, zorder=2)
        axes.plot(
            [estimate.mean], [place], MARKERS[arm.kind], color=colour, markeredgecolor=PAPER, markersize=9, zorder=3
        )
    axes.set_yticks(range(len(rows)), [plain(arm.name, 24) for arm, _ in rows] if names else [""] * len(rows))
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.margins(x=0.08)
    axes.locator_params(axis="x", nbins=ticks)


def _write_numbers(axes: Any, arms: Sequence[Arm]) -> None:
    for place, arm in enumerate(arms):
        text = arm.overall.text + (f"  ({arm.overall.interval_text})" if arm.overall.interval_text else "")
        axes.text(1.02, place, text, transform=axes.get_yaxis_transform(), va="center", ha="left", color=INK)


def subject_differences(trial: Mapping[str, Any]) -> dict[str, float]:
    """Difference in mean Dice (over labels and seeds) of the primary comparison, for each test subject.

    Labels that a subject does not have leave its mean, found or not, as they leave the comparison; earlier versions did not
    tell of those that were found. A subject without a score in both arms is left out.
    """
    comparison = str((trial.get("primary") or {}).get("comparison") or "")
    treated, _, control = comparison.partition(" minus ")
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for score in trial.get("scores") or []:
        if score.get("dice") is not None and score.get("present") is not False:
            found[str(score["arm"]), str(score["subject"])].append(float(score["dice"]))
    subjects = sorted({subject for _, subject in found})
    return {
        subject: float(np.mean(found[treated, subject]) - np.mean(found[control, subject]))
        for subject in subjects
        if found.get((treated, subject)) and found.get((control, subject))
    }


def subject_figure(trial: Mapping[str, Any]) -> Drawing | None:
    """Every test subject's difference in the primary comparison, in points of Dice, from the worst to the best."""
    differences = sorted(subject_differences(trial).values())
    if len(differences) < 2:
        return None
    points = [100 * value for value in differences]
    better = sum(value > 0 for value in points)

    def plot(figure: Any, narrow: bool) -> None:
        axes = figure.add_subplot()
        colours = [vector.MIXED if value > 0 else vector.REAL for value in points]
        room = 0.6 * (270 if narrow else 620) / len(points)
        axes.vlines(range(len(points)), 0, points, color=colours, linewidth=min(22, max(1, room)))
        axes.axhline(0, color=MUTED, linewidth=1)
        axes.set_xticks([])
        axes.set_xlabel(f"{len(points)} test subjects, from worst to best")
        axes.set_ylabel("points of Dice")
        axes.grid(axis="y", color=RULE)
        axes.set_axisbelow(True)
        axes.spines["bottom"].set_visible(False)

    comparison = plain(trial["primary"]["comparison"])
    return draw(plot, heights=(220, 210), label=f"{comparison}: better in {better} of {len(points)} test subjects")


def learning_curves(trial: Mapping[str, Any], arms: Sequence[Arm]) -> Drawing | None:
    """Validation Dice of the segmenter against training images shown, one line for each arm and seed."""
    curves = {
        name: [curve for curve in seeds if len(curve) > 1]
        for name, seeds in (trial.get("curves") or {}).items()
        if any(len(curve) > 1 for curve in seeds)
    }
    if not curves:
        return None
    kinds = {arm.name: arm.kind for arm in arms}
    order = [name for name in (arm.name for arm in arms) if name in curves] + [n for n in curves if n not in kinds]

    def plot(figure: Any, narrow: bool) -> None:
        axes = figure.add_subplot()
        styles = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (7, 2, 1.5, 2)))
        seen: dict[str, int] = defaultdict(int)
        for name in order:
            kind = kinds.get(name, "mixed")
            style = styles[seen[kind] % len(styles)]
            seen[kind] += 1
            for number, curve in enumerate(curves[name]):
                images, dice = zip(*curve, strict=True)
                axes.plot(
                    np.asarray(images) / 1000,
                    [np.nan if value is None else value for value in dice],
                    color=COLOURS[kind],
                    linestyle=style,
                    linewidth=1.5,
                    alpha=0.85,
                    label=plain(name, 24) if number == 0 else None,
                )
        axes.set_xlabel("training images shown (thousands)")
        axes.set_ylabel("Dice on validation subjects")
        axes.grid(axis="y")
        axes.set_axisbelow(True)
        axes.margins(x=0.01)
        figure.legend(loc="outside upper left", ncols=2 if narrow else 6, handlelength=2.6, columnspacing=1.4)

    return draw(plot, heights=(300, 280), label="Dice on validation subjects as each arm's segmenter trains")
