"""The section on masks: findings, sentences, the nearest training masks, the shapes as a figure and a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from segmint.evaluation.mask_findings import NOT_TESTED, NOTHING_FOUND, was_tested
from segmint.evaluation.mask_words import MEASURE_WORDS, say
from segmint.report.material import Material
from segmint.report.pictures import embed_picture
from segmint.report.vector import FAKE, PAPER, REAL, Drawing, draw, plain

_UNITS = {
    "area_share": "% of the image",
    "skeleton_length": "pixels",
    "solidity": "share of the convex hull",
    "centre_row": "% of the height",
    "centre_column": "% of the width",
}
_COLUMNS = 3
_SIDES = (("real", -0.16, REAL, "s"), ("drawn", 0.16, FAKE, "o"))


def masks_section(material: Material, numbers: Iterator[int]) -> Mapping[str, Any] | None:
    """What the page shows of the section `masks` of evaluation.json; None where there is none.

    Raises:
        UserError: its picture cannot be read.
    """
    masks = (material.evaluation or {}).get("masks")
    if not isinstance(masks, Mapping):
        return None
    picture = (
        material.evaluation_folder / str(masks["picture"])
        if material.evaluation_folder and masks.get("picture")
        else None
    )
    figure = shape_figure(masks["labels"])
    held = masks.get("holdout")
    return {
        "findings": masks["findings"],
        "nothing": NOTHING_FOUND if was_tested(masks) else NOT_TESTED,
        "sentences": masks["sentences"],
        "notes": [*masks["notes"], *((material.evaluation or {}).get("notes") or [])],
        "picture": embed_picture(picture) if picture is not None and picture.is_file() else None,
        "nearest": [f"{example['dice']:.2f}" for example in (masks.get("nearest") or {"examples": ()})["examples"]],
        "figure": figure,
        "figure_number": next(numbers) if figure is not None else None,
        "figure_caption": "Shapes of masks that hold the label, from the 1st to the 99th percentile, the median marked:"
        " ■ real, ● drawn.",
        "rows": _rows(masks["labels"], held["labels"] if held else None),
        "held": held is not None,
        "together": [
            (" and ".join(one["labels"]), *(f"{100 * one[side]:.0f}%" for side in ("real", "drawn")))
            for one in masks.get("together") or ()
        ],
    }


def _rows(labels: Mapping[str, Any], held: Mapping[str, Any] | None) -> list[dict[str, str]]:
    rows = []
    for label, measures in labels.items():
        for name, words in MEASURE_WORDS.items():
            # Evaluations from before lack some measures.
            if (one := measures.get(name)) is None:
                continue
            other = held[label].get(name) if held is not None else None
            rows.append(
                {
                    "label": label,
                    "measure": words,
                    **{side: _range(name, one[side]) for side in ("real", "drawn")},
                    "inside": f"{100 * one['inside']:.0f}%",
                    "held": f"{100 * other['inside']:.0f}%" if other else "",
                }
            )
    return rows


def _range(name: str, values: Sequence[float]) -> str:
    low, middle, high = (say(name, value) for value in values)
    return f"{middle} ({low} to {high})"


def shape_figure(labels: Mapping[str, Any]) -> Drawing | None:
    """One panel a measure: for each label the real range above the drawn one."""
    shown = [label for label, measures in labels.items() if measures["area_share"] is not None]
    if not shown:
        return None

    measures = [name for name in MEASURE_WORDS if all(labels[label].get(name) is not None for label in shown)]

    def plot(figure: Any, narrow: bool) -> None:
        columns = 1 if narrow else _COLUMNS
        for place, name in enumerate(measures):
            axes = figure.add_subplot(-(-len(measures) // columns), columns, place + 1)
            _panel(axes, [labels[label][name] for label in shown], 100 if _UNITS.get(name, "").startswith("%") else 1)
            axes.set_title(MEASURE_WORDS[name])
            axes.set_xlabel(_UNITS.get(name, "number"))
            named = [plain(label, 18) for label in shown] if place % columns == 0 else [""] * len(shown)
            axes.set_yticks(range(len(shown)), named)

    panel = 108 + 30 * len(shown)
    rows = -(-len(measures) // _COLUMNS)
    return draw(plot, heights=(rows * panel, len(measures) * panel), label="Ranges of shape of real and drawn masks")


def _panel(axes: Any, rows: Sequence[Mapping[str, Any]], factor: float) -> None:
    for place, row in enumerate(rows):
        for side, offset, colour, marker in _SIDES:
            low, middle, high = (factor * value for value in row[side])
            axes.plot([low, high], [place + offset] * 2, color=colour, linewidth=2.4)
            axes.plot([middle], [place + offset], marker, color=colour, markeredgecolor=PAPER, markersize=8)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.margins(x=0.08)
    axes.locator_params(axis="x", nbins=4)
