"""Segmenters that have learned from real subjects in parts, so that every real image finds one that has not seen it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from segmint.data.pool import PoolPart
from segmint.reference.segmenter import reference_segmenter
from segmint.training.segmenter import Segmenter

PARTS = 2


@dataclass(frozen=True)
class Fitted:
    """A segmenter, and the training subjects that it has and has not learned from; others it has not seen either."""

    segmenter: Segmenter
    seen: frozenset[str]
    unseen: frozenset[str]


def cross_fitted_segmenters(
    training: PoolPart, validation: PoolPart | None, *, parts: int = PARTS, seed: int = 0, **options: Any
) -> tuple[Fitted, ...]:
    """As many segmenters as parts, each of which has learned from all parts of the subjects but one.

    What has learned from an image finds it clearer than new ones, so that scores and features of real images that trained
    cannot be held against those of new ones [cross-fitting: Chernozhukov 2018, The Econometrics Journal 21(1)]. Each is kept in
    the cache as `reference_segmenter` keeps it.

    Args:
        training: real slices to learn from; the subjects that hold a label are dealt out, and then the others.
        parts: how many; of fewer subjects that hold a label there is one segmenter, which has seen all of them.
        seed: of the deal and of the trainings.
        validation, options: as `reference_segmenter` takes them.

    Raises:
        UserError, KeyboardInterrupt: as `reference_segmenter`.
    """
    dealt = _deal(training, parts, seed=seed)
    every = frozenset(subject for part in dealt for subject in part)
    if len(dealt) == 1:
        return (Fitted(reference_segmenter(training, validation, seed=seed, **options), every, frozenset()),)
    found = []
    for unseen in dealt:
        kept = [i for i in training.indices.tolist() if training.slices.records[i].subject not in unseen]
        part = PoolPart(training.slices, np.array(kept, dtype=np.int64), training.flip)
        found.append(Fitted(reference_segmenter(part, validation, seed=seed, **options), every - unseen, unseen))
    return tuple(found)


def _deal(training: PoolPart, parts: int, *, seed: int) -> Sequence[frozenset[str]]:
    """Subjects with labels and subjects without in equal shares, at random; all in one part where that leaves one without."""
    records = [training.slices.records[i] for i in training.indices]
    every = {record.subject for record in records}
    labelled = {record.subject for record in records if record.foreground}
    if len(labelled) < parts:
        return [frozenset(every)]
    order: list[str] = []
    generator = np.random.default_rng(seed)
    for subjects in (labelled, every - labelled):
        names = sorted(subjects)
        order += [names[i] for i in generator.permutation(len(names))]
    return [frozenset(order[number::parts]) for number in range(parts)]
