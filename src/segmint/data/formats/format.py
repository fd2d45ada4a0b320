"""What every file format of a dataset can do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

AnyArray = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Geometry:
    """What the header of an image file says, read without its pixels.

    Args:
        shape: Spatial shape, array axis order, channels left out.
        channels: Channels in this one file (3 for RGB, the last axis of 4-D NIfTI, else 1).
        dtype: Stored type.
        spacing: Millimetres between samples per spatial axis, where the format knows it.
        affine: [4, 4] voxel-to-world matrix, where the format knows it.
    """

    shape: tuple[int, ...]
    channels: int
    dtype: np.dtype[np.generic]
    spacing: tuple[float, ...] | None = None
    affine: NDArray[np.float64] | None = None


def reason(error: Exception) -> str:
    """What a library complained about, on one line."""
    return " ".join(str(error).split()) or type(error).__name__


class Format(Protocol):
    """One file format: reads and writes images and label maps without loss.

    Every reading method raises UserError, naming the file, where the file is damaged or of a kind that cannot be read
    without loss.
    """

    endings: tuple[str, ...]
    dimensions: frozenset[int]
    holds_float: bool

    def geometry(self, path: Path) -> Geometry:
        """Read the header alone."""
        ...

    def read_image(self, path: Path) -> AnyArray:
        """Read [C, *spatial] in the stored type."""
        ...

    def read_label(self, path: Path) -> AnyArray:
        """Read [*spatial], an integer type, whatever ids are stored."""
        ...

    def write_image(
        self, path: Path, image: AnyArray, *, spacing: tuple[float, ...] | None, affine: NDArray[np.float64] | None
    ) -> None:
        """Write [C, *spatial]."""
        ...

    def write_label(
        self, path: Path, label: AnyArray, *, spacing: tuple[float, ...] | None, affine: NDArray[np.float64] | None
    ) -> None:
        """Write [*spatial], ids 0..255."""
        ...
