"""From an arm to the pairs its segmenter trains on."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segmint.data.pool import PairPool, PoolPart
from segmint.data.slices import SliceSet
from segmint.evaluation.arms import Arm
from segmint.evaluation.synthetic_sets import SyntheticSet

Flip = Literal["h", "v", "hv"]
FLIPS: tuple[Flip, ...] = ("h", "v", "hv")


def choose_real(indices: NDArray[np.int64], count: int, *, seed: int) -> NDArray[np.int64]:
    """`count` of the real slices in a seeded random order; a smaller count chooses a part of what a larger one does."""
    return np.random.default_rng([seed, 0]).permutation(indices)[:count]


def choose_flips(indices: NDArray[np.int64], count: int) -> dict[Flip, NDArray[np.int64]]:
    """Which slices are flipped which way: each once (h, v, hv in turn), then each a second way, then the third.

    Args:
        indices: slices in the order they are taken.
        count: flipped copies in all, at most three times as many as there are slices.
    """
    copies = np.arange(count)
    place, way = copies % len(indices), (copies % len(indices) + copies // len(indices)) % len(FLIPS)
    return {flip: np.sort(indices[place[way == number]]) for number, flip in enumerate(FLIPS)}


def build_pool(
    arm: Arm, *, real: SliceSet, indices: NDArray[np.int64], synthetic: SyntheticSet | None, seed: int
) -> PairPool:
    """The pairs of an arm.

    R is all real slices, or a random choice of them by `seed`; A flips the slices of R (of 100R where the arm has no
    R); F is the first pairs of the synthetic set.

    Args:
        real: slices of the real dataset; indices: those of the trial's training set, which are 100 percent.
        synthetic: slices of the synthetic dataset, needed where the arm has F, and known to be enough.
        seed: of the choice of real slices.
    """
    counts = arm.counts(len(indices))
    chosen = choose_real(indices, counts.real or len(indices), seed=seed)
    parts = []
    if counts.real:
        parts.append(PoolPart(real, np.sort(chosen)))
    if counts.synthetic:
        assert synthetic is not None
        parts.append(PoolPart(synthetic.slices, synthetic.pairs[: counts.synthetic]))
    if counts.flipped:
        flips = choose_flips(chosen, counts.flipped)
        parts += [PoolPart(real, which, flip) for flip, which in flips.items() if len(which)]
    return PairPool(parts)
