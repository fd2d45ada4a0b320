"""A few pairs that stand for many: spread over subjects and slices, with every label among them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# At least this share of the chosen pairs holds a label, if there are so many.
WITH_LABELS = 0.5


def choose_exemplars(present: NDArray[np.bool_], n: int, *, least: int = 1) -> NDArray[np.int64]:
    """Choose `n` pairs by the labels they hold.

    Pairs with any label are chosen in the share in which they occur, but never less than half; each kind is spread evenly
    over the order given, which is that of subjects and slices. Then pairs that a label needs take the place of the
    nearest chosen ones whose labels occur often enough without them, the rarest label first.

    Args:
        present: [pairs, K], whether a pair holds a label; column 0 is background and does not count.
        n: at most the number of pairs.
        least: pairs among them that hold each label, if there are so many and other labels leave the room.

    Returns:
        Their numbers, ascending.

    Raises:
        ValueError: there are fewer than `n` pairs.
    """
    if n > len(present):
        raise ValueError(f"{n} exemplars cannot be chosen from {len(present)} pairs")
    foreground = present[:, 1:]
    labelled = np.flatnonzero(foreground.any(axis=1))
    empty = np.flatnonzero(~foreground.any(axis=1))
    share = max(WITH_LABELS, len(labelled) / len(present))
    count = int(np.clip(round(n * share), n - len(empty), len(labelled)))
    chosen = {*_spread(labelled, count), *_spread(empty, n - count)}
    for label in np.argsort(foreground.sum(axis=0), kind="stable"):
        holders = np.flatnonzero(foreground[:, label])
        missing = min(least, len(holders)) - int(foreground[sorted(chosen), label].sum())
        for newcomer in _spread(holders[~np.isin(holders, sorted(chosen))], max(missing, 0)):
            _exchange(chosen, newcomer, foreground, least)
    return np.array(sorted(chosen), dtype=np.int64)


def _spread(numbers: NDArray[np.int64], n: int) -> list[int]:
    """`n` of them, evenly: the middles of `n` equal parts."""
    places = ((np.arange(n) + 0.5) * len(numbers) / max(n, 1)).astype(np.int64)
    return [int(one) for one in numbers[places]]


def _exchange(chosen: set[int], newcomer: int, foreground: NDArray[np.bool_], least: int) -> None:
    """Put `newcomer` in the place of the nearest pair that no label needs."""
    scarce = foreground[sorted(chosen)].sum(axis=0) <= least
    free = [one for one in chosen if not (foreground[one] & scarce).any()]
    if free:
        chosen.remove(min(free, key=lambda one: (abs(one - newcomer), one)))
        chosen.add(newcomer)
