"""Which item is shown when: a pure function of the seed and the number of images shown, so that resuming is exact."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray


class DataOrder:
    """Endless order of `count` items: one seeded permutation an epoch, another for each stream."""

    def __init__(self, count: int, *, seed: int, stream: str) -> None:
        self.count, self.seed, self.stream = count, seed, zlib.crc32(stream.encode())
        self._epoch = -1
        self._permutation = np.empty(0, dtype=np.int64)

    def positions(self, first: int, n: int) -> NDArray[np.int64]:
        """Items shown as numbers `first` to `first + n - 1`."""
        return np.array([self._item(k) for k in range(first, first + n)], dtype=np.int64)

    def _item(self, k: int) -> int:
        epoch, offset = divmod(k, self.count)
        if epoch != self._epoch:
            self._epoch = epoch
            self._permutation = np.random.default_rng([self.seed, self.stream, epoch]).permutation(self.count)
        return int(self._permutation[offset])
