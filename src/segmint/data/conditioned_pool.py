"""A pool of pairs with a choice of condition maps, the dataset's own or computed ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from segmint.data.pool import PairPool
from segmint.data.slices import SliceRecord

Positions = NDArray[np.integer]


class ConditionedPool:
    """`pool` with the condition maps `names` of its own, and further ones held in memory.

    Args:
        added: name -> (number of ids, ids [len(pool), size, size]).
        order: of all maps; default: `names`, then `added`.

    Attributes:
        conditions: number of ids of each map, in the order `read_conditions` gives them.

    Raises:
        KeyError: the pool has no such condition map.
    """

    def __init__(
        self,
        pool: PairPool,
        names: Sequence[str] = (),
        added: Mapping[str, tuple[int, NDArray[np.uint8]]] | None = None,
        order: Sequence[str] | None = None,
    ) -> None:
        self.pool, self.names, self.added = pool, tuple(names), dict(added or {})
        counts = {name: pool.conditions[name] for name in self.names}
        counts |= {name: count for name, (count, _) in self.added.items()}
        self.conditions = {name: counts[name] for name in (counts if order is None else order)}
        self.size, self.channels, self.label_count = pool.size, pool.channels, pool.label_count
        self.colour = pool.colour

    def __len__(self) -> int:
        return len(self.pool)

    @property
    def records(self) -> tuple[SliceRecord, ...]:
        """[len] the slice that each pair is, or is cut from."""
        return self.pool.records

    @property
    def condition_counts(self) -> tuple[int, ...]:
        """Number of ids of each condition map."""
        return tuple(self.conditions.values())

    def with_condition(self, name: str, count: int, ids: NDArray[np.uint8]) -> ConditionedPool:
        """The same pool with one more map, the last one, ids [len, size, size]."""
        if ids.shape != (len(self), self.size, self.size):
            raise ValueError(f"{name} has the shape {ids.shape}")
        return ConditionedPool(self.pool, self.names, {**self.added, name: (count, ids)}, [*self.conditions, name])

    def ordered(self, names: Sequence[str]) -> ConditionedPool:
        """The same maps in the order of `names`."""
        if sorted(names) != sorted(self.conditions):
            raise ValueError(f"the maps are {sorted(self.conditions)}, not {sorted(names)}")
        return ConditionedPool(self.pool, self.names, self.added, names)

    def read(self, positions: Positions) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Images [n, C, S, S] in [-1, 1] and ids [n, S, S]; see `PairPool.read`."""
        return self.pool.read(positions)

    def read_conditions(self, positions: Positions) -> NDArray[np.uint8]:
        """Condition maps [n, M, S, S], in the order of `conditions`."""
        wanted = np.asarray(positions, dtype=np.int64)
        maps = np.empty((len(wanted), len(self.conditions), self.size, self.size), dtype=np.uint8)
        own = self.pool.read_conditions(wanted) if self.names else None
        for place, name in enumerate(self.conditions):
            if name in self.added:
                maps[:, place] = self.added[name][1][wanted]
            elif own is not None:
                maps[:, place] = own[:, list(self.pool.conditions).index(name)]
        return maps

    def read_masks(self, positions: Positions) -> NDArray[np.uint8]:
        """Label map and condition maps [n, 1 + M, S, S]."""
        _, labels = self.read(positions)
        return np.concatenate([labels[:, None], self.read_conditions(positions)], axis=1)
