"""Grids of pairs: every image channel, and the image with the label map laid over it."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class PreviewFolder:
    """Where the pictures of a stage go, and how they are named.

    Attributes:
        root: the folder; batch: images a step; every: images from one look at the stage to the next.
    """

    root: Path
    batch: int
    every: int

    def picture(self, kind: str, images_shown: int) -> Path:
        """`KIND_KKKKKK.png`, by thousands of images; where an earlier look fell into the same thousand, `KIND_KKKKKK_III.png`.

        Names follow one another in the order of the looks, and depend on the plan alone, so that a resumed training gives the same.
        """
        thousands, rest = divmod(images_shown, 1000)
        crossed = (images_shown - self.batch) // self.every * self.every
        before = -(-crossed // self.batch) * self.batch
        again = crossed > 0 and before // 1000 == thousands
        return self.root / f"{kind}_{thousands:06d}{f'_{rest:03d}' if again else ''}.png"


def overlay(image: NDArray[np.float32], label: NDArray[np.integer], *, opacity: float = 0.55) -> NDArray[np.uint8]:
    """Grey [H, W] or red, green and blue [3, H, W] in [-1, 1], and ids [H, W] -> RGB [H, W, 3]."""
    shades = np.moveaxis(image, 0, -1) if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    shades = (np.clip(shades, -1, 1) + 1) * 127.5
    colours = LABEL_COLOURS[(label.astype(np.int64) - 1) % len(LABEL_COLOURS)]
    mixed = np.where((label > 0)[..., None], (1 - opacity) * shades + opacity * colours, shades)
    return np.asarray(mixed.round(), dtype=np.uint8)


def framed(
    image: NDArray[np.float32], label: NDArray[np.integer], *, side: int, opacity: float = 0.55
) -> NDArray[np.uint8]:
    """An overlay magnified to about `side` pixels, with a white frame."""
    scale = max(1, side // len(label))
    coloured = overlay(image, label, opacity=opacity).repeat(scale, axis=0).repeat(scale, axis=1)
    return np.pad(coloured, ((GAP, GAP), (GAP, GAP), (0, 0)), constant_values=255)


def shown_channels(image: NDArray[np.float32], *, colour: bool) -> NDArray[np.float32]:
    """What of an image [C, H, W] is laid under its labels: all of it where it is in colour, else the last channel."""
    return image if colour else image[-1]


def image_strip(image: NDArray[np.float32], *, colour: bool = False) -> NDArray[np.uint8]:
    """One image [C, H, W] as a strip of its channels in grey, or in colour where it has it."""
    nothing = np.zeros(image.shape[1:], dtype=np.uint8)
    return overlay(image, nothing) if colour else np.concatenate([overlay(one, nothing) for one in image], axis=1)


def pair_strip(image: NDArray[np.float32], label: NDArray[np.integer], *, colour: bool = False) -> NDArray[np.uint8]:
    """One pair [C, H, W], [H, W] as a strip: the channels in grey, then the overlay, on colour where the image has it."""
    return np.concatenate([image_strip(image), overlay(shown_channels(image, colour=colour), label)], axis=1)


def write_grid(
    path: Path,
    images: NDArray[np.float32],
    labels: NDArray[np.integer] | None,
    *,
    columns: int,
    colour: bool = False,
    scale: int | None = None,
) -> None:
    """Write pairs [N, C, H, W], [N, H, W] as a PNG grid of strips.

    Args:
        labels: None shows the images alone.
        colour: the three channels are red, green and blue.
        scale: magnifies; default: to at least 128 px a side.
    """
    if labels is None:
        strips = [image_strip(image, colour=colour) for image in images]
    else:
        strips = [pair_strip(image, label, colour=colour) for image, label in zip(images, labels, strict=True)]
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
