"""Where masks to be painted come from: real ones, deformed ones, a generator's; mask i depends on the seed and i alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segmint.data.conditioned_pool import ConditionedPool
from segmint.errors import UserError
from segmint.recipes.contract import MaskStage, PairStage
from segmint.synthesis.deformation import Strength, deform_finely, draw_deformation
from segmint.training.examination import CHUNK, draw_hard
from segmint.training.mask_examination import draw_masks

Masks = NDArray[np.uint8]
BLOCK = 256
# A generator is asked this often for a mask that has, or has not, a label.
ATTEMPTS = 200
# Attempt a at sample i is drawn as sample i + a * STRIDE.
STRIDE = 2**32


# Objects are moved on their own only where a balance asks for their label: organs belong where they are.
STRENGTH = Strength(object_rotation=30.0, object_scale=0.2, object_shift=0.1)


class MaskSource(ABC):
    """counts: number of ids of the label map and of each condition map."""

    counts: tuple[int, ...]

    @abstractmethod
    def draw(self, indices: Sequence[int], seed: int, *, attempt: int = 0) -> Masks:
        """Masks [n, 1 + M, S, S]: label map, then condition maps.

        Args:
            attempt: another number gives other masks: the same real mask otherwise deformed, another one of a generator.
        """

    @abstractmethod
    def restricted(self, label: int, *, present: bool) -> MaskSource:
        """The same source, of masks with (or without) a label.

        Raises:
            UserError: it has none.
        """


class RealMasks(MaskSource):
    """Masks of a pool, each once before any comes again, in a seeded order; or in the pool's own order."""

    def __init__(
        self, pool: ConditionedPool, *, shuffled: bool = True, positions: NDArray[np.int64] | None = None
    ) -> None:
        self.pool, self.shuffled = pool, shuffled
        self.positions = np.arange(len(pool)) if positions is None else positions
        self.counts = (pool.label_count, *pool.condition_counts)

    def draw(self, indices: Sequence[int], seed: int, *, attempt: int = 0) -> Masks:  # noqa: ARG002
        """Read them; the same ones at any attempt."""
        return self.pool.read_masks(np.array([self._position(i, seed) for i in indices], dtype=np.int64))

    def restricted(self, label: int, *, present: bool) -> MaskSource:
        """Those whose label map has, or has not, the label."""
        blocks = np.array_split(self.positions, -(-len(self.positions) // BLOCK))
        has = np.concatenate([(self.pool.read(block)[1] == label).any(axis=(1, 2)) for block in blocks])
        kept = self.positions[has == present]
        if not len(kept):
            raise UserError(
                f"--balance: no mask {'with' if present else 'without'} label {label} is in the training part, "
                "so that share cannot be drawn."
            )
        return RealMasks(self.pool, shuffled=self.shuffled, positions=kept)

    def _position(self, index: int, seed: int) -> int:
        epoch, offset = divmod(index, len(self.positions))
        if not self.shuffled:
            return int(self.positions[offset])
        order = np.random.default_rng([seed, 17, epoch]).permutation(len(self.positions))
        return int(self.positions[order[offset]])


class DeformedMasks(MaskSource):
    """Masks of another source, elastically, affinely and label by label deformed."""

    def __init__(self, source: MaskSource, *, label: int | None = None, present: bool = True) -> None:
        self.source, self.counts = source, source.counts
        self.label, self.present = label, present

    def draw(self, indices: Sequence[int], seed: int, *, attempt: int = 0) -> Masks:
        """Deform each with parameters of its own."""
        drawn = self.source.draw(indices, seed)
        return np.stack(
            [
                self._deformed(one, index, seed, first=attempt * ATTEMPTS)
                for one, index in zip(drawn, indices, strict=True)
            ]
        )

    def restricted(self, label: int, *, present: bool) -> MaskSource:
        """A deformation that loses the label, or pushes it out of the picture, is drawn anew."""
        return DeformedMasks(self.source.restricted(label, present=present), label=label, present=present)

    def _deformed(self, masks: Masks, index: int, seed: int, *, first: int) -> Masks:
        moved = () if self.label is None or not self.present else (self.label,)
        for attempt in range(first, first + ATTEMPTS):
            generator = np.random.default_rng([seed, 23, index, attempt])
            drawn = draw_deformation(generator, shape=(masks.shape[1], masks.shape[2]), strength=STRENGTH, labels=moved)
            ids, conditions = deform_finely(masks[0], drawn, conditions=masks[1:])
            if self.label is None or bool((ids == self.label).any()) == self.present:
                return np.concatenate([ids[None], conditions])
        raise UserError(
            f"--balance: {ATTEMPTS} deformations of a mask all lost label {self.label}: use --mask-source real."
        )


class GeneratedMasks(MaskSource):
    """Masks that a trained stage draws."""

    def __init__(
        self,
        stage: MaskStage | PairStage,
        counts: Sequence[int],
        *,
        truncation: float = 1.0,
        label: int | None = None,
        present: bool = True,
    ) -> None:
        self.stage, self.counts, self.truncation = stage, tuple(counts), truncation
        self.label, self.present = label, present

    def draw(self, indices: Sequence[int], seed: int, *, attempt: int = 0) -> Masks:
        """Draw each from its own random state; where a label is asked for, until it is there."""
        places = [index + attempt * ATTEMPTS * STRIDE for index in indices]
        if self.label is None:
            return self._run(places, seed, CHUNK)
        return np.stack([self._wanted(place, seed) for place in places])

    def restricted(self, label: int, *, present: bool) -> MaskSource:
        """By drawing again."""
        return GeneratedMasks(self.stage, self.counts, truncation=self.truncation, label=label, present=present)

    def _run(self, indices: Sequence[int], seed: int, chunk: int) -> Masks:
        if isinstance(self.stage, PairStage):
            _, labels = draw_hard(self.stage, indices, seed=seed, truncation=self.truncation, chunk=chunk)
            pairs: Masks = labels.numpy()[:, None]
            return pairs
        masks: Masks = draw_masks(self.stage, indices, seed=seed, truncation=self.truncation, chunk=chunk).numpy()
        return masks

    def _wanted(self, index: int, seed: int) -> Masks:
        for attempt in range(ATTEMPTS):
            drawn: Masks = self._run([index + attempt * STRIDE], seed, 1)[0]
            if bool((drawn[0] == self.label).any()) == self.present:
                return drawn
        raise UserError(
            f"--balance: in {ATTEMPTS} attempts the mask source drew no mask {'with' if self.present else 'without'} "
            f"label {self.label}: use --mask-source deformed, or train the source longer."
        )


class BalancedMasks(MaskSource):
    """A share of the masks has a label: of any n drawn, share * n, rounded, spread evenly."""

    def __init__(self, source: MaskSource, *, label: int, share: float) -> None:
        self.source, self.counts, self.share = source, source.counts, share
        self.with_label = source.restricted(label, present=True) if share > 0 else None
        self.without_label = source.restricted(label, present=False) if share < 1 else None

    def draw(self, indices: Sequence[int], seed: int, *, attempt: int = 0) -> Masks:
        """From the source with, or that without the label."""
        drawn = []
        for index in indices:
            before, after = count_with(index, self.share), count_with(index + 1, self.share)
            source = self.with_label if after > before else self.without_label
            assert source is not None
            drawn.append(source.draw([before if after > before else index - before], seed, attempt=attempt)[0])
        return np.stack(drawn)

    def restricted(self, label: int, *, present: bool) -> MaskSource:
        """Those of the source, whatever the balance."""
        return self.source.restricted(label, present=present)


def count_with(n: int, share: float) -> int:
    """How many of the first n samples have the label of a balance: share * n, rounded."""
    return int(n * share + 0.5 + 1e-9)
