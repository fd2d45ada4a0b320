"""All real images that a generator has learned from, those without a label map among them, as one set to search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmint.data.dataset import Dataset
from segmint.data.pool import PairPool, PoolPart
from segmint.evaluation.chosen import Chosen


class JoinedImages:
    """Images of several slice sets, one part after the other: [N, C, S, S] float32 in [-1, 1], read by position."""

    def __init__(self, parts: Sequence[Chosen]) -> None:
        self._pool = PairPool([PoolPart(part.slices, part.indices) for part in parts], hidden=True)

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, C, S, S)."""
        return len(self._pool), self._pool.channels, self._pool.size, self._pool.size

    def __getitem__(self, positions: NDArray[np.int64], /) -> NDArray[np.float32]:
        """[n, C, S, S] of n positions."""
        return self._pool.read(positions)[0]


@dataclass(frozen=True)
class Pictured:
    """Some of the images of several parts on one grid.

    Attributes:
        parts: labelled slices, then images of `imagesUnlabelled`, where some were learned from.
        indices: positions among all images of the parts, one part after the other.
    """

    parts: tuple[Chosen, ...]
    indices: NDArray[np.int64]

    @classmethod
    def of(cls, labelled: Chosen, alone: Chosen | None) -> Pictured:
        """All images of both."""
        parts = (labelled,) if alone is None else (labelled, alone)
        return cls(parts, np.arange(sum(len(part.indices) for part in parts), dtype=np.int64))

    @property
    def dataset(self) -> Dataset:
        """The real dataset."""
        return self.parts[0].dataset

    @property
    def images(self) -> JoinedImages:
        """What `indices` point into."""
        return JoinedImages(self.parts)

    @property
    def subjects(self) -> list[str]:
        """[n] the subject of each image; one that has images of both kinds is one subject."""
        every = [subject for part in self.parts for subject in part.subjects]
        return [every[i] for i in self.indices]

    @property
    def names(self) -> list[str]:
        """[n] the case of each image, with the number of the slice where the case is a volume."""
        every = [name for part in self.parts for name in part.names]
        return [every[i] for i in self.indices]

    @property
    def cases(self) -> list[str]:
        """[n] the case of each image."""
        every = [part.slices.records[i].case for part in self.parts for i in part.indices]
        return [every[i] for i in self.indices]

    @property
    def marks(self) -> list[str]:
        """[n] the mark of each image: equal where images are equal, "" where they hold next to nothing."""
        every = [part.slices.marks[i] for part in self.parts for i in part.indices]
        return [every[i] for i in self.indices]

    @property
    def units(self) -> NDArray[np.int64]:
        """[n] the number of each image's subject, 0, 1, and so on."""
        return np.unique(self.subjects, return_inverse=True)[1].astype(np.int64)

    @property
    def unlabelled(self) -> NDArray[np.bool_]:
        """[n] whether an image lies in `imagesUnlabelled`."""
        return np.asarray(self.indices >= len(self.parts[0].indices))

    def at(self, which: NDArray[np.bool_] | slice) -> Pictured:
        """Some of them."""
        return Pictured(self.parts, self.indices[which])
