"""Pairs of several slice sets, flipped or not, whole or in tiles, read as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segmint.data.slices import SliceRecord, SliceSet
from segmint.data.tiling import tile_corners
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

    Args:
        parts: What to read.
        tile: Side of square tiles; a position then means a tile of a slice, so that images larger than the training
            size are learnt from unscaled. None: whole slices.
        hidden: Label maps are not read: they come as background.

    Attributes:
        size: Side of what is read: `tile`, or the side of the slices.
        channels: C.
        label_count: Label ids, background included.
        colour: The three channels are red, green and blue.
        conditions: Ids of each condition map that all parts have, in the order `read_conditions` gives them.

    Raises:
        UserError: the parts differ in size, channels, labels or the ids of a condition map, there is nothing in them,
            or tiles are larger than the slices.
    """

    def __init__(self, parts: Sequence[PoolPart], *, tile: int | None = None, hidden: bool = False) -> None:
        self.parts = tuple(part for part in parts if len(part.indices))
        if not self.parts:
            raise UserError("There are no slices to read: choose subjects that have some.")
        first = self.parts[0].slices
        for part in self.parts[1:]:
            _check_match(first, part.slices)
        if tile is not None and not 1 <= tile <= first.size:
            raise UserError(
                f"Tiles of {tile} pixels cannot be taken from slices of {first.size} pixels: give a smaller tile, or a "
                "larger size."
            )
        self.size, self.tile = tile or first.size, tile
        self.hidden = hidden
        self.channels = len(first.dataset.channel_names)
        self.label_count = len(first.dataset.label_names)
        self.colour = first.dataset.colour
        self.conditions: dict[str, int] = {
            name: len(ids)
            for name, ids in first.dataset.conditions.items()
            if all(name in part.slices.conditions for part in self.parts)
        }
        self._rows = tuple(_rows(part, tile) for part in self.parts)
        self._starts = np.cumsum([0, *(len(rows) for rows in self._rows)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def with_labels_hidden(self) -> PairPool:
        """The same images; every label map comes as background."""
        return PairPool(self.parts, tile=self.tile, hidden=True)

    @property
    def subjects(self) -> tuple[str, ...]:
        """[len] whose each pair is."""
        return tuple(record.subject for record in self.records)

    @property
    def records(self) -> tuple[SliceRecord, ...]:
        """[len] the slice that each pair is, or is cut from."""
        return tuple(
            part.slices.records[int(part.indices[place])]
            for part, rows in zip(self.parts, self._rows, strict=True)
            for place in rows[:, 0]
        )

    def whole(self) -> PairPool:
        """The same slices, not cut into tiles."""
        return PairPool(self.parts, hidden=self.hidden)

    def windows(self) -> NDArray[np.int64]:
        """[len, 3]: the position in `whole()` that each position is cut from, and its upper left corner there; ascending."""
        found, before = [], 0
        for part, rows in zip(self.parts, self._rows, strict=True):
            place, corners = rows[:, 0], rows[:, 1:].copy()
            for axis in _AXES[part.flip]:
                corners[:, axis] = part.slices.size - self.size - corners[:, axis]
            found.append(np.column_stack([before + place, corners]))
            before += len(part.indices)
        return np.concatenate(found)

    def read(self, positions: NDArray[np.integer]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Read pairs.

        Args:
            positions: [n] integers in 0..len-1, in any order, repeats allowed.

        Returns:
            Images [n, C, size, size] float32 in [-1, 1] and labels [n, size, size] uint8.

        Raises:
            IndexError: a position is outside.
        """
        count = len(positions)
        images = np.empty((count, self.channels, self.size, self.size), dtype=np.float32)
        labels = np.zeros((count, self.size, self.size), dtype=np.uint8)
        self._fill(images, positions, lambda slices: slices.images)
        if not self.hidden:
            self._fill(labels, positions, lambda slices: slices.labels)
        return images, labels

    def read_conditions(self, positions: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Read condition maps of the same places as `read`, flipped alike.

        Args:
            positions: [n] integers in 0..len-1.

        Returns:
            [n, M, size, size] ids, in the order of `conditions`.

        Raises:
            IndexError: a position is outside.
        """
        maps = np.empty((len(positions), len(self.conditions), self.size, self.size), dtype=np.uint8)
        for number, name in enumerate(self.conditions):
            self._fill(maps[:, number], positions, partial(_condition, name=name))
        return maps

    def _fill(
        self, target: NDArray[Any], positions: NDArray[np.integer], source: Callable[[SliceSet], NDArray[Any]]
    ) -> None:
        """Copy what `positions` mean out of one array of each slice set."""
        wanted = np.asarray(positions, dtype=np.int64)
        if wanted.size and (wanted.min() < 0 or wanted.max() >= len(self)):
            raise IndexError(f"positions must lie in 0..{len(self) - 1}")
        owners = np.searchsorted(self._starts, wanted, side="right") - 1
        for number, part in enumerate(self.parts):
            here = np.flatnonzero(owners == number)
            if not here.size:
                continue
            rows = self._rows[number][wanted[here] - self._starts[number]]
            indices = np.asarray(part.indices, dtype=np.int64)[rows[:, 0]]
            stored, axes = source(part.slices), _AXES[part.flip]
            if self.size == part.slices.size:
                target[here] = np.flip(stored[indices], axes)
                continue
            for place, index, (top, left) in zip(here, indices, rows[:, 1:], strict=True):
                window = stored[index, ..., top : top + self.size, left : left + self.size]
                target[place] = np.flip(window, axes)


def _condition(slices: SliceSet, *, name: str) -> NDArray[np.uint8]:
    return slices.conditions[name]


def _rows(part: PoolPart, tile: int | None) -> NDArray[np.int64]:
    """[n, 3] of a part: place in its indices, and the upper left corner in the slice there."""
    if tile is None:
        places = np.arange(len(part.indices), dtype=np.int64)
        return np.stack([places, np.zeros_like(places), np.zeros_like(places)], axis=1)
    rows = []
    for place, index in enumerate(part.indices):
        corners = tile_corners(part.slices.size, part.slices.padding(int(index)), tile=tile)
        rows.append(np.column_stack([np.full(len(corners), place), corners]))
    return np.concatenate(rows)


def _check_match(first: SliceSet, other: SliceSet) -> None:
    both = f"{first.dataset.root} and {other.dataset.root}"
    if first.size != other.size:
        raise UserError(f"{both} were cut to {first.size} and {other.size} pixels: cut both to one size.")
    shared = sorted(set(first.dataset.conditions) & set(other.dataset.conditions))
    for what, ours, theirs in (
        ("channels", first.dataset.channel_names, other.dataset.channel_names),
        ("labels", first.dataset.label_names, other.dataset.label_names),
        *(
            (f'ids of the condition "{name}"', first.dataset.conditions[name], other.dataset.conditions[name])
            for name in shared
        ),
    ):
        if ours != theirs:
            raise UserError(
                f"{both} differ in their {what} ({', '.join(ours)} against {', '.join(theirs)}): they must be equal."
            )
