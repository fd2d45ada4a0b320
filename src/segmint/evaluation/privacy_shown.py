"""What is shown of the section `privacy`: its table, and the picture of the nearest pairs."""

from __future__ import annotations

from collections.abc import Mapping
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
from segmint.evaluation.pictured import Pictured
from segmint.training.previews import framed, shown_channels

_IN_A_ROW, _TILE = 10, 128


def draw_pairs(
    shown: Chosen,
    synthetic: NDArray[np.int64],
    aligned: NDArray[np.float32],
    training: Pictured,
    nearest: NDArray[np.int64],
    path: Path,
) -> None:
    """Bands of ten pairs, in each three rows: synthetic images, the same brought in line, training images."""
    colour = training.dataset.colour
    rows = [shown.images[synthetic], aligned, training.images[nearest]]
    bands = []
    for start in range(0, len(synthetic), _IN_A_ROW):
        band = [[_tile(image, colour=colour) for image in row[start : start + _IN_A_ROW]] for row in rows]
        bands.append(np.concatenate([np.concatenate(tiles, axis=1) for tiles in band]))
        bands.append(np.full((_TILE // 8, bands[0].shape[1], 3), 255, dtype=np.uint8))
    width = bands[0].shape[1]
    whole = [np.pad(band, ((0, 0), (0, width - band.shape[1]), (0, 0)), constant_values=255) for band in bands[:-1]]
    Image.fromarray(np.concatenate(whole)).save(path)


def _tile(image: NDArray[np.float32], *, colour: bool) -> NDArray[np.uint8]:
    shades = shown_channels(np.asarray(image), colour=colour)
    return framed(shades, np.zeros(shades.shape[-2:], dtype=np.uint8), side=_TILE)


def privacy_table(section: Mapping[str, Any]) -> RenderableType:
    """Shares nearer than the threshold as a table, the sentences and findings below it, for a rich console."""
    table = Table(
        title="Images nearer to a training image than the threshold; one-sided 95% bounds",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        pad_edge=False,
    )
    table.add_column("nearest by", overflow="fold", style="bold")
    for heading in ("synthetic", "held out", "excess", "excess at most"):
        table.add_column(heading, justify="right", no_wrap=True)
    rows = [("aligned pixels", section["pixels"]), *((f"features, {n}", one) for n, one in section["features"].items())]
    for name, one in rows:
        table.add_row(name, *share_cells(one))
    said = [Text(sentence) for sentence in section["sentences"]]
    found = [Text(f"{one['code']}: {one['message']} {one['advice']}", style="bold red") for one in section["findings"]]
    notes = [Text(f"- {note}", style="dim") for note in section["notes"]]
    return Group(table, *said, *found, *notes)


def share_cells(one: Mapping[str, Any]) -> list[str]:
    """Shares of synthetic and held-out images, excess and its upper bound of one way to compare; dashes without a threshold."""
    if one["threshold"] is None:
        return ["–"] * 4
    values = (
        one["copies"]["share"],
        one["false_positives"]["share"],
        one["excess"]["share"],
        one["excess"]["interval"][1],
    )
    return [f"{100 * value:.1f}%".replace("-", "−") for value in values]
