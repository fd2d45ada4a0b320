"""Some slices of a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.data.dataset import Dataset
from segmint.data.slices import SliceSet


@dataclass(frozen=True)
class Chosen:
    """Some slices of a dataset: `indices` into `slices`."""

    slices: SliceSet
    indices: NDArray[np.int64]

    @property
    def dataset(self) -> Dataset:
        """Whose slices they are."""
        return self.slices.dataset

    @property
    def images(self) -> NDArray[np.float32]:
        """What `indices` point into: [N, C, S, S] in [-1, 1]."""
        return self.slices.images

    @property
    def subjects(self) -> list[str]:
        """[n] the subject of each slice."""
        return [self.slices.records[i].subject for i in self.indices]

    @property
    def names(self) -> list[str]:
        """[n] the case of each slice, with the number of the slice where the case is a volume."""
        records = [self.slices.records[i] for i in self.indices]
        return [one.case if self.slices.axis is None else f"{one.case}, slice {one.slice}" for one in records]

    @property
    def units(self) -> NDArray[np.int64]:
        """[n] the number of each slice's subject, 0, 1, and so on."""
        return np.unique(self.subjects, return_inverse=True)[1].astype(np.int64)

    def at(self, which: NDArray[np.bool_] | slice) -> Chosen:
        """Some of them."""
        return Chosen(self.slices, self.indices[which])

    def some(self, most: int, *, seed: int) -> Chosen:
        """At most so many of them, at random by `seed`, in their order."""
        if len(self.indices) <= most:
            return self
        picked = np.sort(np.random.default_rng(seed).choice(len(self.indices), most, replace=False))
        return Chosen(self.slices, self.indices[picked])

    def described(self) -> dict[str, Any]:
        """What evaluation.json says of it."""
        dataset = self.slices.dataset
        return {
            "path": str(dataset.root.resolve()),
            "name": dataset.name,
            "identity": dataset.identity,
            "slices": len(self.indices),
            "subjects": len(set(self.subjects)),
        }
