"""Grids of pairs: every image channel, and the last channel with the label map laid over it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from segmint.outputs import staged_file

# Okabe and Ito's colours, told apart by colour-blind readers; label 0 is not drawn.
LABEL_COLOURS = np.array(
    [(230, 159, 0), (86, 180, 233), (213, 94, 0), (0, 158, 115), (204, 121, 167), (240, 228, 66), (0, 114, 178)],
    dtype=np.float32,
)
GAP = 2


def overlay(image: NDArray[np.float32], label: NDArray[np.integer], *, opacity: float = 0.55) -> NDArray[np.uint8]:
    """[H, W] in [-1, 1] and ids [H, W] -> RGB [H, W, 3]."""
    grey = np.repeat(((np.clip(image, -1, 1) + 1) * 127.5)[..., None], 3, axis=2)
    colours = LABEL_COLOURS[(label.astype(np.int64) - 1) % len(LABEL_COLOURS)]
    mixed = np.where((label > 0)[..., None], (1 - opacity) * grey + opacity * colours, grey)
    return np.asarray(mixed.round(), dtype=np.uint8)


def pair_strip(image: NDArray[np.float32], label: NDArray[np.integer]) -> NDArray[np.uint8]:
    """One pair [C, H, W], [H, W] as a strip: the channels in grey (three called RGB are not guessed), then the overlay."""
    channels = [overlay(channel, np.zeros_like(label)) for channel in image]
    return np.concatenate([*channels, overlay(image[-1], label)], axis=1)


def write_grid(
    path: Path, images: NDArray[np.float32], labels: NDArray[np.integer], *, columns: int, scale: int | None = None
) -> None:
    """Write pairs [N, C, H, W], [N, H, W] as a PNG grid of strips; `scale` magnifies (default: to at least 128 px a side)."""
    strips = [pair_strip(image, label) for image, label in zip(images, labels, strict=True)]
    height, width = strips[0].shape[:2]
    rows = -(-len(strips) // columns)
    grid = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), 255, dtype=np.uint8)
    for i, strip in enumerate(strips):
        row, column = divmod(i, columns)
        top, left = GAP + row * (height + GAP), GAP + column * (width + GAP)
        grid[top : top + height, left : left + width] = strip
    picture = Image.fromarray(grid)
    scale = scale or max(1, 128 // height)
    picture = picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)
    path.parent.mkdir(parents=True, exist_ok=True)
    with staged_file(path) as staging:
        picture.save(staging)
