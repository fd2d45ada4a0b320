"""From an arm to the pairs its segmenter trains on."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segmint.data.pool import PairPool, PoolPart
from segmint.data.slices import SliceSet
from segmint.errors import UserError
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


def holding(slices: SliceSet, indices: NDArray[np.int64], label: int) -> NDArray[np.int64]:
    """Those of the slices on which a label is, in the order given."""
    return np.array([i for i in indices.tolist() if (slices.labels[i] == label).any()], dtype=np.int64)


def build_pool(
    arm: Arm,
    *,
    real: SliceSet,
    indices: NDArray[np.int64],
    synthetic: SyntheticSet | None,
    seed: int,
    repeat: int | None = None,
) -> PairPool:
    """The pairs of an arm.

    R is all real slices, or a random choice of them by `seed`; A flips the slices of R (of 100R where the arm has no
    R); B repeats those slices of R (likewise) that hold the label `repeat`, each as often as any other; F is the first
    pairs of the synthetic set.

    Args:
        real: slices of the real dataset; indices: those of the trial's training set, which are 100 percent.
        synthetic: slices of the synthetic dataset, needed where the arm has F, and known to be enough.
        seed: of the choice of real slices.
        repeat: id of the label, needed where the arm has B.

    Raises:
        UserError: none of the slices holds the label to be repeated.
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
    if counts.repeated:
        assert repeat is not None
        found = holding(real, chosen, repeat)
        if not len(found):
            raise UserError(
                f"The arm {arm.name} has no real slice with {real.dataset.label_names[repeat]} to repeat: give it more "
                "real slices, or repeat another label."
            )
        parts.append(PoolPart(real, np.sort(np.resize(found, counts.repeated))))
    return PairPool(parts)
