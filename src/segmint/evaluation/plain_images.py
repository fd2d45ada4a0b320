"""How often images of different training subjects are as near as a copy with noise: in plain images exact copies cannot be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from segmint.evaluation.copy_rates import first_part
from segmint.evaluation.pictured import Pictured
from segmint.evaluation.tail import Tail
from segmint.metrics.excess_share import Share, effective_size
from segmint.reference.copies import CopySearch

# A training image is found again with more than this, a little noise or another scale of intensities included; images of other
# patients came to 0.990 at most on volumes of heads, hippocampi and two phantoms. Simple shapes in little noise pass it by chance.
SAME = 0.996
# Training images looked at, at most, and how probable it must be that so many images pass by chance.
_MOST, _CHANCE = 200, 0.05
_LEAST = 1e-6


@dataclass(frozen=True)
class Plainness:
    """How near training images come to those of other training subjects.

    Attributes:
        images: how many were looked at; alike: of these, how many pass `SAME`.
        share: the share of images that is to be expected above `SAME` among all training images, twice as many as were searched,
            0 to 1: from the upper 95% bound of those that pass; where none does, from the tail of their similarities (`Tail`).
    """

    images: int
    alike: int
    share: float

    def explains(self, count: int, total: int) -> bool:
        """Whether chance lets so many of `total` images of other subjects pass `SAME`; what does not occur needs no explanation."""
        return count > 0 and bool(stats.binom.sf(count - 1, total, self.share) >= _CHANCE)

    def described(self) -> dict[str, Any]:
        """JSON-able."""
        return {"images": self.images, "alike": self.alike, "share": self.share}


def measure_plainness(training: Pictured, *, seed: int = 0) -> Plainness | None:
    """Seek images of either half of the training subjects in the other, as synthetic ones are sought.

    An image that is in the set twice, pixel by pixel, counts once: one patient under two names does not make images plain.

    Args:
        seed: of the deal of subjects and the choice of images.

    Returns:
        None with a single training subject.
    """
    first_of = {mark: i for i, mark in reversed(list(enumerate(training.marks)))}
    training = training.at(np.array([not mark or first_of[mark] == i for i, mark in enumerate(training.marks)]))
    units = training.units
    if not len(units) or units.max() < 1:
        return None
    first, generator = first_part(units, seed=seed), np.random.default_rng(seed)
    near, whose = [], []
    for queries, known in ((first, ~first), (~first, first)):
        picked = np.sort(generator.permutation(np.flatnonzero(queries))[: _MOST // 2])
        half = training.at(known)
        found = CopySearch(half.images, half.indices, half.units).nearest(training.images, training.indices[picked])
        near.append(found.similarity)
        whose.append(units[picked])
    return _of(np.concatenate(near), np.unique(np.concatenate(whose), return_inverse=True)[1])


def _of(similarity: NDArray[np.float64], units: NDArray[np.int64]) -> Plainness:
    passed = similarity > SAME
    if passed.any():
        share = Share(int(passed.sum()), len(passed), effective_size(passed, units)).high
    else:
        share = Tail.of(-np.log(np.maximum(1 - similarity, _LEAST))).share(-float(np.log(1 - SAME)))
    # Either half has as many chances to come near.
    return Plainness(len(passed), int(passed.sum()), 1 - (1 - share) ** 2)
