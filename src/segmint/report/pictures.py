"""Sample grids carried inside the page, cut to what a page can show without shrinking anatomy to mush."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from segmint.data.formats.memory import check_memory
from segmint.errors import UserError
from segmint.training.previews import GAP

# Wider than this many image tiles, half a page shows each too small to judge.
MOST_TILES_ACROSS = 6
_COPIES = 4


@dataclass(frozen=True)
class Picture:
    """A PNG as a data address, its size in pixels, how many pairs it shows, and for fakes the kimg it was drawn at."""

    source: str
    width: int
    height: int
    pairs: int | None
    kimg: float | None


def embed_grid(path: Path, *, channels: int, size: int, most_rows: int) -> Picture:
    """Carry the left upper part of a preview grid inside the page, whole pairs only.

    A grid that does not have the layout of `segmint.training.previews` is carried whole.

    Args:
        channels: image channels of a pair, each one tile beside the next, the overlay last; size: side of a tile,
            pixels.
        most_rows: rows of pairs kept.

    Raises:
        UserError: the file is no readable PNG.
    """
    image = _read(path)
    pairs = None
    if layout := _layout(image.width, image.height, channels=channels, size=size):
        scale, columns, rows = layout
        columns = max(1, min(columns, MOST_TILES_ACROSS // (channels + 1)))
        rows = min(rows, most_rows)
        right, bottom = columns * ((channels + 1) * size + GAP) + GAP, rows * (size + GAP) + GAP
        image = image.crop((0, 0, right * scale, bottom * scale))
        pairs = columns * rows
    number = re.search(r"_(\d{6,})(?:_(\d{3}))?\.png$", path.name)
    return Picture(
        source=_address(image),
        width=image.width,
        height=image.height,
        pairs=pairs,
        kimg=int(number[1]) + int(number[2] or 0) / 1000 if number else None,
    )


def embed_picture(path: Path) -> Picture:
    """Carry a whole picture inside the page.

    Raises:
        UserError: the file is no readable PNG.
    """
    image = _read(path)
    return Picture(_address(image), image.width, image.height, pairs=None, kimg=None)


def _read(path: Path) -> Image.Image:
    try:
        with Image.open(path, formats=("PNG",)) as opened:
            check_memory(path, (opened.height, opened.width, len(opened.getbands())), bytes_a_value=_COPIES)
            opened.load()
            return opened.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"{path} is not a readable PNG: delete it and make the report again.") from error


def _address(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _layout(width: int, height: int, *, channels: int, size: int) -> tuple[int, int, int] | None:
    """(magnification, columns of pairs, rows of pairs), or None where the picture is no such grid."""
    strip, tile = (channels + 1) * size + GAP, size + GAP
    for scale in range(1, 9):
        if width % scale or height % scale:
            continue
        columns, rest_across = divmod(width // scale - GAP, strip)
        rows, rest_down = divmod(height // scale - GAP, tile)
        if columns > 0 and rows > 0 and rest_across == 0 and rest_down == 0:
            return scale, columns, rows
    return None


def spread(paths: Sequence[Path], count: int) -> tuple[Path, ...]:
    """At most `count` of the paths, evenly spread, the first and the last among them."""
    if len(paths) <= count:
        return tuple(paths)
    return tuple(paths[round(place * (len(paths) - 1) / (count - 1))] for place in range(count))
