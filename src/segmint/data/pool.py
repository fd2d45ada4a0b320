"""Pairs of several slice sets, flipped or not, read as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segmint.data.slices import SliceSet
from segmint.errors import UserError

Flip = Literal["none", "h", "v", "hv"]
_AXES: dict[Flip, tuple[int, ...]] = {"none": (), "h": (-1,), "v": (-2,), "hv": (-2, -1)}


@dataclass(frozen=True)
class PoolPart:
    """Some slices of one set.

    Args:
        slices: Where they are.
        indices: Which ones, integers.
        flip: "h" mirrors the last axis (left-right), "v" the one before, "hv" both; images and labels alike.
    """

    slices: SliceSet
    indices: NDArray[np.int64]
    flip: Flip = "none"


class PairPool:
    """The parts one after the other, addressed by position.

    Raises:
        UserError: the parts differ in size, channels or labels, or there is nothing in them.
    """

    def __init__(self, parts: Sequence[PoolPart]) -> None:
        self.parts = tuple(part for part in parts if len(part.indices))
        if not self.parts:
            raise UserError("There are no slices to read: choose subjects that have some.")
        first = self.parts[0].slices
        for part in self.parts[1:]:
            _check_match(first, part.slices)
        self.size = first.size
        self.channels = len(first.dataset.channel_names)
        self.label_count = len(first.dataset.label_names)
        self._starts = np.cumsum([0, *(len(part.indices) for part in self.parts)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def read(self, positions: NDArray[np.integer]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Read pairs.

        Args:
            positions: [n] integers in 0..len-1, in any order, repeats allowed.

        Returns:
            Images [n, C, size, size] float32 in [-1, 1] and labels [n, size, size] uint8.

        Raises:
            IndexError: a position is outside.
        """
        wanted = np.asarray(positions, dtype=np.int64)
        if wanted.size and (wanted.min() < 0 or wanted.max() >= len(self)):
            raise IndexError(f"positions must lie in 0..{len(self) - 1}")
        images = np.empty((len(wanted), self.channels, self.size, self.size), dtype=np.float32)
        labels = np.empty((len(wanted), self.size, self.size), dtype=np.uint8)
        owners = np.searchsorted(self._starts, wanted, side="right") - 1
        for number, part in enumerate(self.parts):
            here = np.flatnonzero(owners == number)
            if not here.size:
                continue
            rows = part.indices[wanted[here] - self._starts[number]]
            axes = _AXES[part.flip]
            images[here] = np.flip(part.slices.images[rows], axes)
            labels[here] = np.flip(part.slices.labels[rows], axes)
        return images, labels


def _check_match(first: SliceSet, other: SliceSet) -> None:
    both = f"{first.dataset.root} and {other.dataset.root}"
    if first.size != other.size:
        raise UserError(f"{both} were cut to {first.size} and {other.size} pixels: cut both to one size.")
    for what, ours, theirs in (
        ("channels", first.dataset.channel_names, other.dataset.channel_names),
        ("labels", first.dataset.label_names, other.dataset.label_names),
    ):
        if ours != theirs:
            raise UserError(
                f"{both} differ in their {what} ({', '.join(ours)} against {', '.join(theirs)}): they must be equal."
            )
