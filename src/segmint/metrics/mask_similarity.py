"""How alike label maps are: Dice [Dice 1945] between every two of many, all foreground labels taken together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

NAME, DIRECTION, RANGE = "mask_dice", "as real", (0.0, 1.0)

# Masks taken at a time: bounds the memory of their one-hot form.
_BLOCK = 512


@dataclass(frozen=True)
class NearestMasks:
    """For each of n masks the position [n] of the mask most like it, and their Dice [n]."""

    positions: NDArray[np.int64]
    dice: NDArray[np.float32]


def pairwise_dice(first: ArrayLike, second: ArrayLike) -> NDArray[np.float32]:
    """Dice of every mask of one set with every mask of another.

    Dice = 2 sum_k |A_k and B_k| / sum_k (|A_k| + |B_k|) over the foreground labels k: for one label the usual Dice, for
    several the micro average, in which large labels weigh more.

    Args:
        first: [n, H, W] integer ids, 0 is background.
        second: [m, H, W] on the same grid.

    Returns:
        float32 [n, m], 0 to 1; NaN where both masks are empty.

    Raises:
        ValueError: the grids differ, or something else than ids was given.
    """
    ours, theirs = _flat(first, second)
    rows = [np.concatenate([block for _, block in _blocks(part, theirs)], axis=1) for part in _parts(ours)]
    return np.concatenate(rows) if rows else np.empty((0, len(theirs)), dtype=np.float32)


def nearest_masks(
    first: ArrayLike,
    second: ArrayLike,
    *,
    groups: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
) -> NearestMasks:
    """For each mask of `first` [n, H, W] the mask of `second` [m, H, W] with the highest Dice.

    Args:
        first: integer ids, 0 is background; second: on the same grid.
        groups: [n] and [m] integers; masks of the same group are not compared. Masks of one subject, for example.

    Returns:
        Positions in `second` and Dice; position -1 and Dice NaN where there is nothing to compare, or only empty masks
        with an empty mask.

    Raises:
        ValueError: as `pairwise_dice`.
    """
    ours, theirs = _flat(first, second)
    best, where = np.full(len(ours), np.nan, dtype=np.float32), np.full(len(ours), -1, dtype=np.int64)
    for start in range(0, len(ours), _BLOCK):
        rows = slice(start, min(start + _BLOCK, len(ours)))
        for offset, block in _blocks(ours[rows], theirs):
            if groups is not None:
                block[groups[0][rows, None] == groups[1][None, offset : offset + block.shape[1]]] = np.nan
            filled = np.where(np.isnan(block), np.float32(-1), block)
            nearest = filled.argmax(axis=1)
            value = filled[np.arange(len(filled)), nearest]
            better = (value >= 0) & ~(value <= best[rows])
            best[rows] = np.where(better, value, best[rows])
            where[rows] = np.where(better, nearest + offset, where[rows])
    return NearestMasks(where, best)


def distinct_masks(masks: ArrayLike, *, dice: float, groups: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Positions of masks of [n, H, W] no two of which have a Dice above `dice`, taken greedily from the first on.

    Empty masks count as equal to one another. Masks of the same group ([n] integers) may be as alike as they like.
    """
    similar = np.nan_to_num(pairwise_dice(masks, masks), nan=1.0) > dice
    if groups is not None:
        similar &= groups[:, None] != groups[None]
    kept: list[int] = []
    for position in range(len(similar)):
        if not similar[position, kept].any():
            kept.append(position)
    return np.array(kept, dtype=np.int64)


def _flat(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    ours, theirs = np.asarray(first), np.asarray(second)
    if ours.ndim != 3 or ours.shape[1:] != theirs.shape[1:]:
        raise ValueError(f"masks [n, H, W] on one grid were expected, not {ours.shape} and {theirs.shape}")
    if ours.dtype.kind not in "iub" or theirs.dtype.kind not in "iub":
        raise ValueError(f"integer ids were expected, not {ours.dtype} and {theirs.dtype}")
    pixels = ours.shape[1] * ours.shape[2]
    return ours.reshape(len(ours), pixels), theirs.reshape(len(theirs), pixels)


def _parts(flat: NDArray[np.integer]) -> Iterator[NDArray[np.integer]]:
    for start in range(0, len(flat), _BLOCK):
        yield flat[start : start + _BLOCK]


def _blocks(ours: NDArray[np.integer], theirs: NDArray[np.integer]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """(position of the block in `theirs`, Dice [len(ours), block])."""
    # Pixels that are background in one set throughout add nothing to any overlap, but count in the areas.
    used = np.flatnonzero((ours != 0).any(axis=0))
    labels = np.unique(ours)
    hot = [(int(label), (ours[:, used] == label).astype(np.float32)) for label in labels if label != 0]
    areas = np.count_nonzero(ours, axis=1)
    for start, block in zip(range(0, len(theirs), _BLOCK), _parts(theirs), strict=True):
        overlap = np.zeros((len(ours), len(block)), dtype=np.float32)
        for label, ones in hot:
            overlap += ones @ (block[:, used] == label).astype(np.float32).T
        total = (areas[:, None] + np.count_nonzero(block, axis=1)[None]).astype(np.float32)
        yield start, np.divide(2 * overlap, total, out=np.full(total.shape, np.nan, np.float32), where=total > 0)
