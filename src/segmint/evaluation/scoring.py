"""Predictions on held-out subjects, scored on the grid of the source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segmint.data.slices import SliceSet
from segmint.evaluation.subject_grids import Grid, plan_grids
from segmint.evaluation.subject_metrics import SubjectTally

_CHUNK = 32


class Predicts(Protocol):
    """A trained segmenter."""

    def predict(self, images: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Images [N, C, S, S] in [-1, 1] -> ids [N, S, S] and probabilities [N, K, S, S]."""


@dataclass(frozen=True)
class SubjectScore:
    """What a subject was scored.

    Attributes:
        counts: int64 [K, 3], true positives, false positives, false negatives of every label, in pixels of the source.
        metrics: by name float64 [K - 1], the background left out; NaN where there is no value.
    """

    counts: NDArray[np.int64]
    metrics: dict[str, NDArray[np.float64]]


def score_subjects(
    segmenter: Predicts, slices: SliceSet, indices: NDArray[np.int64], *, tolerance: float | None = None
) -> dict[str, SubjectScore]:
    """Every metric of every subject, its slices put back together.

    Probabilities go back to each slice's own grid by linear interpolation, and the most probable label there is held
    against the label as it was stored, so that scaling down for the network is part of what is measured.

    Args:
        slices: real slices.
        indices: which to score, ascending, so that each file is read once; all slices of whole cases.
        tolerance: of the normalised surface Dice, as in `plan_grids`.
    """
    return score_maps(_predicted(segmenter, slices, indices), slices, indices, tolerance=tolerance)


def score_maps(
    predicted: Iterable[tuple[int, NDArray[np.uint8]]],
    slices: SliceSet,
    indices: NDArray[np.int64],
    *,
    tolerance: float | None = None,
) -> dict[str, SubjectScore]:
    """The same for label maps that are there already.

    Args:
        predicted: for each of `indices`, in their order, its number and ids [h, w] on the slice's own grid.
    """
    planned = plan_grids(slices, indices, tolerance=tolerance)
    grid_of = {i: grid for grid in planned.grids for i in grid.slices}
    missing = {id(grid): len(grid.slices) for grid in planned.grids}
    maps: dict[int, tuple[NDArray[np.uint8], NDArray[np.uint8]]] = {}
    label_count = len(slices.dataset.label_names)
    tallies: dict[str, SubjectTally] = {}
    for i, ids in predicted:
        maps[i] = ids, slices.original_label(i)
        grid = grid_of[i]
        missing[id(grid)] -= 1
        if missing[id(grid)]:
            continue
        # Whole: measured at once, so that only unfinished volumes are kept in memory.
        tally = tallies.setdefault(grid.subject, SubjectTally(label_count, tolerance=planned.tolerance))
        ours, true = (_assembled(grid, [maps[number][side] for number in grid.slices]) for side in (0, 1))
        tally.add(ours, true, spacing=grid.spacing, axis=grid.axis)
        for number in grid.slices:
            del maps[number]
    return {subject: SubjectScore(tally.counts, tally.metrics()) for subject, tally in tallies.items()}


def _predicted(
    segmenter: Predicts, slices: SliceSet, indices: NDArray[np.int64]
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    for start in range(0, len(indices), _CHUNK):
        chunk = indices[start : start + _CHUNK]
        _, probabilities = segmenter.predict(np.asarray(slices.images[chunk]))
        for i, of_slice in zip(chunk.tolist(), probabilities, strict=True):
            restored = slices.undo(of_slice, slices.original_shape(i), order=1)
            yield i, restored.argmax(axis=0).astype(np.uint8)


def _assembled(grid: Grid, maps: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return maps[0] if grid.axis is None else np.stack(maps, axis=grid.axis)
