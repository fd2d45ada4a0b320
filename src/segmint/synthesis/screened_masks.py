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
_BLOCK = 256
# Attempts at the same real mask, then at any that holds the same labels, then at any.
_SAME_MASK, _SAME_LABELS = 50, 150
# Far from the numbers of any drawing, and of the source's own attempts.
_STRIDE = 2**50
Labels = frozenset[int]


@dataclass(frozen=True)
class Yardstick:
    """What masks of real subjects are like.

    Attributes:
        masks: uint8 [n, S, S], those that hold anything.
        nearest: 99th percentile of their Dice with the nearest mask of another subject; all labels together.
        ranges: by id of a label and measure (see `MaskShape`) the 1st and the 99th percentile, over masks that hold the
            label; labels of fewer than five subjects are left out.
        together: the labels that real masks hold, each combination that occurs, the empty one too.
    """

    masks: NDArray[np.uint8]
    nearest: float
    ranges: Mapping[int, Mapping[str, tuple[float, float]]]
    together: frozenset[Labels]

    @classmethod
    def of(cls, masks: NDArray[np.uint8], subjects: Sequence[str], *, seed: int = 0) -> Yardstick:
        """Measure masks [n, S, S] of as many subjects [n]; of very many a thousand, at random by `seed`.

        Raises:
            UserError: they are of fewer than five subjects.
        """
        together = frozenset(labels_in(mask) for mask in masks)
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
        return cls(masks, float(np.nanpercentile(among, _NEAR)), ranges, together)

    def allows(self, masks: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """[n] whether each of the masks [n, S, S] is like them."""
        allowed = np.array([labels_in(mask) in self.together and self._in_range(mask) for mask in masks], dtype=bool)
        if (asked := np.flatnonzero(allowed & masks.any(axis=(1, 2)))).size:
            allowed[asked] = nearest_masks(masks[asked], self.masks).dice <= self.nearest
        return allowed

    def _in_range(self, mask: NDArray[np.uint8]) -> bool:
        for label, measures in self.ranges.items():
            if not (held := mask == label).any():
                continue
            for name, values in mask_shapes(held[None]).items():
                low, high = measures[name]
                if not low <= values[0] <= high:
                    return False
        return True


class ScreenedMasks(MaskSource):
    """Masks of another source, each drawn again until the yardstick allows it.

    What is drawn in the place of a mask holds the same labels, so that no label gets rarer by being hard to draw; only after
    150 attempts is any allowed mask taken. Of deformed masks the first fifty are deformations of the same real one.
    """

    def __init__(self, source: MaskSource, yardstick: Yardstick) -> None:
        self.source, self.yardstick, self.counts = source, yardstick, source.counts

    def draw(self, indices: Sequence[int], seed: int, *, attempt: int = 0) -> Masks:
        """Draw together, then again those that are not allowed."""
        first = attempt * ATTEMPTS
        drawn = self.source.draw(indices, seed, attempt=first)
        allowed = self.yardstick.allows(drawn[:, 0])
        wanted = [labels_in(one) for one in drawn[:, 0]]
        pending = np.flatnonzero(~allowed).tolist()
        for number in range(1, ATTEMPTS):
            if not pending:
                return drawn
            places = [indices[place] + (number >= _SAME_MASK) * number * _STRIDE for place in pending]
            again = self.source.draw(places, seed, attempt=first + number)
            for place, one, fits in zip(list(pending), again, self.yardstick.allows(again[:, 0]), strict=True):
                same = labels_in(one[0]) == wanted[place] or wanted[place] not in self.yardstick.together
                if fits and (same or number >= _SAME_LABELS):
                    drawn[place] = one
                    pending.remove(place)
        if not pending:
            return drawn
        raise UserError(
            f"--screen-masks: none of {ATTEMPTS} masks drawn in a row was like the training masks: use --mask-source deformed,"
            " train the source longer, or leave it out."
        )

    def restricted(self, label: int, *, present: bool) -> MaskSource:
        """The same screen before the restricted source."""
        return ScreenedMasks(self.source.restricted(label, present=present), self.yardstick)


def labels_in(mask: NDArray[np.uint8]) -> Labels:
    """The ids in a mask but the background."""
    return frozenset((1 + np.flatnonzero(np.bincount(mask.ravel())[1:])).tolist())


def yardstick_of(pool: ConditionedPool) -> Yardstick:
    """Of the label maps of a pool.

    Raises:
        UserError: as `Yardstick.of`.
    """
    blocks = [np.arange(start, min(start + _BLOCK, len(pool))) for start in range(0, len(pool), _BLOCK)]
    return Yardstick.of(np.concatenate([pool.read(block)[1] for block in blocks]), pool.pool.subjects)
