"""How far out a number lies beyond those seen: an exponential tail above their 90th percentile.

Whatever the distribution, excesses over a high level are about those of a generalised Pareto distribution [Pickands 1975,
Annals of Statistics 3(1)]; with few numbers its shape cannot be told, so the exponential one is taken [Davison and Smith
1990, JRSS B 52(3)].
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ABOVE = 0.1


@dataclass(frozen=True)
class Tail:
    """A share `ABOVE` of the numbers lies above `start`, by `scale` on average."""

    start: float
    scale: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Tail:
        """Of [n] numbers."""
        start = float(np.quantile(values, 1 - ABOVE))
        beyond = values[values > start]
        return cls(start, float((beyond - start).mean()) if len(beyond) else 0.0)

    def level(self, share: float) -> float:
        """The number above which a share of at most `ABOVE` is expected."""
        return self.start + self.scale * math.log(ABOVE / share)

    def share(self, value: float) -> float:
        """The share expected above a number that is not below `start`; `ABOVE` for those below."""
        if value <= self.start:
            return ABOVE
        return ABOVE * math.exp(-(value - self.start) / self.scale) if self.scale else 0.0
