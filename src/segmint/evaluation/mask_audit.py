"""The masks of a synthetic dataset: the section `masks` of evaluation.json, its table, and its picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from segmint.evaluation.chosen import Chosen
from segmint.evaluation.evidence import Evidence
from segmint.evaluation.mask_comparison import compare_masks
from segmint.evaluation.mask_findings import NOT_TESTED, NOTHING_FOUND, was_tested
from segmint.evaluation.mask_set import MaskSet
from segmint.evaluation.mask_words import MEASURE_UNITS, MEASURE_WORDS, say_bare
from segmint.training.previews import framed

PICTURE = "masks.png"
_TILE = 128


def audit_masks(evidence: Evidence, folder: Path) -> dict[str, Any]:
    """Compare drawn with training masks, and held-out real masks with them as a yardstick; draw the nearest ones.

    Returns:
        As `compare_masks`, with `holdout` (the same of held-out masks, or None) and `picture`, a file in `folder`: above
        the drawn masks nearest to training masks, below those.
    """
    drawn, training = _masks(evidence.synthetic), _masks(evidence.training)
    names = evidence.label_names
    held = evidence.holdout
    box = filled_box([evidence.synthetic, evidence.training, *([held] if held is not None else [])])
    section = compare_masks(drawn, training, label_names=names, box=box)
    section["holdout"] = compare_masks(_masks(held), training, label_names=names, box=box) if held is not None else None
    section["picture"] = None
    if section["nearest"] is not None:
        section["picture"] = PICTURE
        _draw_nearest(section["nearest"]["examples"], drawn, training, folder / PICTURE)
    return section


def _masks(chosen: Chosen) -> MaskSet:
    return MaskSet(np.asarray(chosen.slices.labels[chosen.indices]), chosen.subjects, chosen.names)


def filled_box(sets: Sequence[Chosen]) -> tuple[slice, slice]:
    """Rows and columns of the square grid that hold all slices of some sets without their padding.

    One box for all: on the grid a drawn mask lies where those lie that it was learned from, whatever the shape of each.
    """
    padding = np.array([one.slices.padding(int(i)) for one in sets for i in one.indices]).min(axis=0)
    size = sets[0].slices.size
    rows, columns = (slice(int(before), size - int(after)) for before, after in padding)
    return rows, columns


def _draw_nearest(examples: list[dict[str, Any]], drawn: MaskSet, training: MaskSet, path: Path) -> None:
    rows = []
    for key, masks in (("drawn", drawn), ("training", training)):
        positions = {masks.name(i): i for i in range(len(masks))}
        tiles = [_tile(masks.labels[positions[example[key]]]) for example in examples]
        rows.append(np.concatenate(tiles, axis=1))
    Image.fromarray(np.concatenate(rows)).save(path)


def _tile(mask: NDArray[np.integer]) -> NDArray[np.uint8]:
    return framed(np.full(mask.shape, -1, dtype=np.float32), mask, side=_TILE, opacity=1)


def mask_table(section: Mapping[str, Any]) -> RenderableType:
    """The shapes as a table, the sentences and findings below it, for a rich console."""
    table = Table(
        title="Masks that hold a label: median (1st to 99th percentile)",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        pad_edge=False,
    )
    held = section["holdout"]
    table.add_column("label and measure", overflow="fold")
    for heading in ("real", "drawn", "drawn\ninside", *(["held out\ninside"] if held is not None else [])):
        table.add_column(heading, justify="right", no_wrap=True)
    for label, measures in section["labels"].items():
        present = measures["present"]
        yardstick = [_share(held["labels"][label]["present"]["drawn"])] if held is not None else []
        table.add_row(Text(label, style="bold"))
        table.add_row("masks with it", _share(present["real"]), _share(present["drawn"]), "", *yardstick)
        for name, words in MEASURE_WORDS.items():
            if (one := measures[name]) is None:
                continue
            unit = f" ({MEASURE_UNITS[name]})" if name in MEASURE_UNITS else ""
            other = held["labels"][label][name] if held is not None else None
            table.add_row(
                words + unit,
                _range(name, one["real"]),
                _range(name, one["drawn"]),
                _share(one["inside"]),
                *([_share(other["inside"]) if other else "–"] if held is not None else []),
            )
    said = [Text(sentence) for sentence in section["sentences"]]
    found = [Text(f"{one['code']}: {one['message']} {one['advice']}", style="bold red") for one in section["findings"]]
    good = [Text(NOTHING_FOUND, style="bold green") if was_tested(section) else Text(NOT_TESTED, style="bold")]
    notes = [Text(f"- {note}", style="dim") for note in section["notes"]]
    return Group(table, *said, *(found or good), *notes)


def _range(name: str, values: list[float]) -> str:
    low, middle, high = (say_bare(name, value) for value in values)
    return f"{middle} ({low}–{high})"


def _share(value: float) -> str:
    return f"{100 * value:.0f}%"
