"""Predictions on held-out subjects, scored on the grid of the source."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segmint.data.slices import SliceSet
from segmint.metrics.dice import overlap_counts

_CHUNK = 32


class Predicts(Protocol):
    """A trained segmenter."""

    def predict(self, images: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Images [N, C, S, S] in [-1, 1] -> ids [N, S, S] and probabilities [N, K, S, S]."""


def count_overlaps(segmenter: Predicts, slices: SliceSet, indices: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Overlap counts of every subject, its slices put back together.

    Probabilities go back to each slice's own grid by linear interpolation, and the most probable label there is held
    against the label as it was stored, so that scaling down for the network is part of what is measured.

    Args:
        slices: real slices; indices: which to score, ascending, so that each file is read once.

    Returns:
        By subject int64 [K, 3]: true positives, false positives, false negatives, in pixels of the source.
    """
    label_count = len(slices.dataset.label_names)
    counts: dict[str, NDArray[np.int64]] = {}
    for start in range(0, len(indices), _CHUNK):
        chunk = indices[start : start + _CHUNK]
        _, probabilities = segmenter.predict(np.asarray(slices.images[chunk]))
        for i, of_slice in zip(chunk.tolist(), probabilities, strict=True):
            restored = slices.undo(of_slice, slices.original_shape(i), order=1)
            overlap = overlap_counts(restored.argmax(axis=0), slices.original_label(i), label_count=label_count)
            subject = slices.records[i].subject
            counts[subject] = counts[subject] + overlap if subject in counts else overlap
    return counts
