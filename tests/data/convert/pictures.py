"""Small pictures and masks for folders to be converted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

RNG = np.random.default_rng(0)


def grey(shape: tuple[int, ...] = (8, 10), dtype: type = np.uint8) -> np.ndarray:
    return RNG.integers(0, np.iinfo(dtype).max, shape).astype(dtype)


def disc(value: int = 255, shape: tuple[int, int] = (8, 10)) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    mask[2:5, 3:7] = value
    return mask


def save(path: Path, pixels: np.ndarray, mode: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(path)
