"""Label maps on one grid, with the subject of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class MaskSet:
    """Label maps to compare.

    Args:
        labels: [n, H, W] integer ids, 0 is background.
        subjects: [n] whose each is; drawn masks are a subject each.
        names: [n] what each is called; its number where nothing is given.

    Raises:
        ValueError: the lengths differ.
    """

    labels: NDArray[np.integer]
    subjects: Sequence[str]
    names: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.labels.ndim != 3 or len(self.labels) != len(self.subjects):
            raise ValueError(f"{len(self.subjects)} subjects for label maps of shape {self.labels.shape}")
        if self.names and len(self.names) != len(self.labels):
            raise ValueError(f"{len(self.names)} names for {len(self.labels)} label maps")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def units(self) -> NDArray[np.int64]:
        """[n] number of each mask's subject."""
        return np.unique(np.asarray(self.subjects, dtype=str), return_inverse=True)[1].astype(np.int64)

    @property
    def subject_count(self) -> int:
        """How many subjects there are."""
        return len(set(self.subjects))

    def name(self, position: int) -> str:
        """What the mask at a position is called."""
        return self.names[position] if self.names else str(position)

    def at(self, positions: NDArray[np.integer]) -> MaskSet:
        """The masks at some positions."""
        return MaskSet(
            self.labels[positions],
            [self.subjects[i] for i in positions],
            [self.name(int(i)) for i in positions],
        )

    def filled(self) -> MaskSet:
        """The masks that hold anything but background."""
        return self.at(np.flatnonzero(self.labels.any(axis=(1, 2))))

    def chosen(self, most: int, *, seed: int) -> MaskSet:
        """At most so many of them, drawn at random, in their order."""
        if len(self) <= most:
            return self
        return self.at(np.sort(np.random.default_rng(seed).choice(len(self), most, replace=False)))
