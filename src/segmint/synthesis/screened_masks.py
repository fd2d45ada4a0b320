"""Masks drawn again until they are like real ones: of shapes that occur, and no nearer to one than other subjects' are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmint.data.conditioned_pool import ConditionedPool
from segmint.errors import UserError
from segmint.metrics.mask_shape import mask_shapes
from segmint.metrics.mask_similarity import nearest_masks
from segmint.synthesis.mask_source import ATTEMPTS, Masks, MaskSource

# As `segmint evaluate` compares masks: the range of a measure, the Dice that is usual between subjects, and how many
# subjects it takes to say what is usual.
_LOW, _HIGH, _NEAR = 1, 99, 99
FEWEST_SUBJECTS = 5
# Real masks whose shapes are measured; the nearest one is searched among all.
_MOST = 1000
# Attempt a at mask i is mask i + a * _STRIDE of the source, far from the attempts of the source itself.
_STRIDE = 2**40


@dataclass(frozen=True)
class Yardstick:
    """What masks of real subjects are like.

    Attributes:
        masks: uint8 [n, S, S], those that hold anything.
        nearest: 99th percentile of their Dice with the nearest mask of another subject; all labels together.
        ranges: by id of a label and measure (see `MaskShape`) the 1st and the 99th percentile, over masks that hold the
            label; labels of fewer than five subjects are left out.
    """

    masks: NDArray[np.uint8]
    nearest: float
    ranges: Mapping[int, Mapping[str, tuple[float, float]]]

    @classmethod
    def of(cls, masks: NDArray[np.uint8], subjects: Sequence[str], *, seed: int = 0) -> Yardstick:
        """Measure masks [n, S, S] of as many subjects [n]; of very many a thousand, at random by `seed`.

        Raises:
            UserError: they are of fewer than five subjects.
        """
        filled = np.flatnonzero(masks.any(axis=(1, 2)))
        masks, units = masks[filled], np.unique(np.asarray(subjects, dtype=str)[filled], return_inverse=True)[1]
        if (found := len(np.unique(units))) < FEWEST_SUBJECTS:
            raise UserError(
                f"--screen-masks: the training masks are of {found} subject{'' if found == 1 else 's'}, too few to say what is"
                f" usual ({FEWEST_SUBJECTS} are needed): leave it out."
            )
        order = np.random.default_rng(seed).permutation(len(masks))[:_MOST]
        some, theirs = masks[order], units[order]
        among = nearest_masks(some, masks, groups=(theirs, units)).dice
        ranges: dict[int, dict[str, tuple[float, float]]] = {}
        for label in (int(one) for one in np.unique(some) if one):
            holds = (some == label).any(axis=(1, 2))
            if len(np.unique(theirs[holds])) < FEWEST_SUBJECTS:
                continue
            ranges[label] = {}
            for name, values in mask_shapes(some[holds] == label).items():
                low, high = np.percentile(values, [_LOW, _HIGH])
                ranges[label][name] = (float(low), float(high))
        return cls(masks, float(np.nanpercentile(among, _NEAR)), ranges)

    def allows(self, mask: NDArray[np.uint8]) -> bool:
        """Whether a mask [S, S] is like them; one without any label is."""
        if not mask.any():
            return True
        for label, measures in self.ranges.items():
            if not (held := mask == label).any():
                continue
            for name, values in mask_shapes(held[None]).items():
                low, high = measures[name]
                if not low <= values[0] <= high:
                    return False
        return bool(nearest_masks(mask[None], self.masks).dice[0] <= self.nearest)


class ScreenedMasks(MaskSource):
    """Masks of another source, each drawn again until the yardstick allows it."""

    def __init__(self, source: MaskSource, yardstick: Yardstick) -> None:
        self.source, self.yardstick, self.counts = source, yardstick, source.counts

    def draw(self, indices: Sequence[int], seed: int) -> Masks:
        """Draw together, then again those that are not allowed."""
        drawn = self.source.draw(indices, seed)
        pending = [place for place in range(len(indices)) if not self.yardstick.allows(drawn[place, 0])]
        for attempt in range(1, ATTEMPTS):
            if not pending:
                return drawn
            again = self.source.draw([indices[place] + attempt * _STRIDE for place in pending], seed)
            allowed = [self.yardstick.allows(one[0]) for one in again]
            for place, one, fits in zip(pending, again, allowed, strict=True):
                if fits:
                    drawn[place] = one
            pending = [place for place, fits in zip(pending, allowed, strict=True) if not fits]
        if not pending:
            return drawn
        raise UserError(
            f"--screen-masks: none of {ATTEMPTS} masks drawn in a row was like the training masks: use --mask-source deformed,"
            " train the source longer, or leave it out."
        )

    def restricted(self, label: int, *, present: bool) -> MaskSource:
        """The same screen before the restricted source."""
        return ScreenedMasks(self.source.restricted(label, present=present), self.yardstick)


def yardstick_of(pool: ConditionedPool) -> Yardstick:
    """Of the label maps of a pool.

    Raises:
        UserError: as `Yardstick.of`.
    """
    masks = pool.read_masks(np.arange(len(pool)))[:, 0]
    return Yardstick.of(masks, pool.pool.subjects)
