"""Synthetic images that are real images of the subjects who test a trial, whatever the synthetic set says of itself."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmint.data.slices import SliceSet
from segmint.errors import UserError
from segmint.evaluation.regime import Regime

# Correlation of two images above which they are one but for rounding to 8 bits; slices of different
# patients come to 0.96 (LGG, CHASE_DB1, brain phantom; 64 and 128 px), painted ones no nearer.
SAME = 0.999
# What is looked at first is coarser, so that many images take little time, and a little less is asked of it.
_COARSE, _COARSE_SAME = 32, 0.998
# Standard deviation in units of [-1, 1] below which a channel holds next to nothing; share of the pixels that must differ by
# more than that from the most frequent brightness in some channel, or an image holds next to nothing.
_FLAT, _HELD = 0.02, 0.02
_CHUNK, _NAMED = 256, 3


def check_copied_tests(path: Path, regime: Regime, slices: SliceSet, pairs: NDArray[np.int64]) -> list[str]:
    """Refuse a synthetic set that holds images of test subjects: segmenters would learn them by heart.

    Found are images that are the same pixel by pixel on this grid, but for rounding; moved, deformed or recoloured ones are found
    by `segmint evaluate`. Images that hold next to nothing do not count; and where real training images are test images by the
    same measure, images are too plain to tell.

    Args:
        path: of the synthetic dataset, for the message; regime: who tests; slices: of the synthetic dataset, on the same grid;
            pairs: indices of the synthetic ones.

    Returns:
        A sentence where images of validation subjects are among them, who choose checkpoints alone.

    Raises:
        UserError: at least one synthetic image is a test image.
    """
    tests = _whose(slices, pairs, regime.slices, regime.test)
    if tests and _whose(regime.slices, regime.training, regime.slices, regime.test):
        return []
    if tests:
        raise UserError(
            f"{path}: {tests.total()} of its {len(pairs)} synthetic images are images of test subjects, pixel by pixel"
            f" ({_listed(tests)}), so whatever made it has seen them: draw pairs from a generator that has not."
        )
    choosing = _whose(slices, pairs, regime.slices, regime.validation)
    if not choosing:
        return []
    return [
        f"{path.name}: {choosing.total()} of its {len(pairs)} synthetic images are images of validation subjects, who choose"
        f" the checkpoints, pixel by pixel ({_listed(choosing)})."
    ]


def _whose(some: SliceSet, chosen: NDArray[np.int64], others: SliceSet, known: NDArray[np.int64]) -> Counter[str]:
    """By subject of the known images how many of the chosen ones are an image of theirs."""
    found: Counter[str] = Counter()
    known, chosen = _with_content(others, known), _with_content(some, chosen)
    if not len(known) or not len(chosen):
        return found
    coarse = np.concatenate([_standardised(others, part, coarse=True) for part in _chunks(known)])
    for part in _chunks(chosen):
        near = _standardised(some, part, coarse=True) @ coarse.T
        for row in np.flatnonzero(near.max(axis=1) > _COARSE_SAME):
            nearest = known[[int(near[row].argmax())]]
            fine = _standardised(some, part[[row]], coarse=False) @ _standardised(others, nearest, coarse=False).T
            if fine.item() > SAME:
                found[others.records[int(nearest[0])].subject] += 1
    return found


def _standardised(slices: SliceSet, indices: NDArray[np.int64], *, coarse: bool) -> NDArray[np.float32]:
    """Images as rows of length one, whose products are correlations, mean over channels; rows of zeros where all is flat."""
    images = np.asarray(slices.images[indices], dtype=np.float32)
    block = slices.size // _COARSE
    if coarse and block > 1:
        kept = slices.size // block
        images = images[:, :, : kept * block, : kept * block]
        images = images.reshape(*images.shape[:2], kept, block, kept, block).mean(axis=(3, 5))
    rows = images.reshape(*images.shape[:2], -1)
    rows = rows - rows.mean(axis=2, keepdims=True)
    spread = rows.std(axis=2, keepdims=True)
    rows = np.where(spread > _FLAT, rows / np.maximum(spread, _FLAT), 0).reshape(len(images), -1)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6), dtype=np.float32)


def _with_content(slices: SliceSet, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of the slices that hold more than next to nothing."""
    kept = [i for i in indices if slices.marks[i] and _held(np.asarray(slices.images[i]))]
    return np.array(kept, dtype=np.int64)


def _held(image: NDArray[np.float32]) -> bool:
    """Whether enough of an image [C, S, S] stands out from what most of it is: mere background, or a bright pixel, does not."""
    away = np.abs(image - np.median(image, axis=(1, 2), keepdims=True)) > _FLAT
    return bool(away.mean(axis=(1, 2)).max() > _HELD)


def _chunks(indices: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return np.array_split(indices, -(-len(indices) // _CHUNK))


def _listed(found: Counter[str]) -> str:
    shown = sorted(found.items(), key=lambda one: (-one[1], one[0]))[:_NAMED]
    more = f", and of {len(found) - len(shown)} more" if len(found) > len(shown) else ""
    return ", ".join(f'{count} of "{subject}"' for subject, count in shown) + more
