"""Images that are read by position: an array in memory or on disk, or several of them one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Images(Protocol):
    """[N, C, S, S] in [-1, 1]."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, C, S, S)."""

    def __getitem__(self, positions: NDArray[np.int64], /) -> NDArray[np.float32]:
        """[n, C, S, S] of n positions."""


def blocks(images: Images, indices: NDArray[np.int64], *, size: int) -> Iterator[Tensor]:
    """Some of the images in float32, at most `size` at a time."""
    for start in range(0, len(indices), size):
        yield torch.from_numpy(np.array(images[indices[start : start + size]], dtype=np.float32))
