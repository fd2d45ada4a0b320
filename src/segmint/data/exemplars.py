"""A few pairs that stand for many: spread over subjects and slices, with every label among them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# At least this share of the chosen pairs holds a label, if there are so many.
WITH_LABELS = 0.5


def choose_exemplars(present: NDArray[np.bool_], n: int) -> NDArray[np.int64]:
    """Choose `n` pairs by the labels they hold.

    Pairs with any label are chosen in the share in which they occur, but never less than half; each kind is spread evenly
    over the order given, which is that of subjects and slices. Then a pair that a label needs takes the place of the
    nearest chosen one whose labels all occur elsewhere too, the rarest label first.

    Args:
        present: [pairs, K], whether a pair holds a label; column 0 is background and does not count.
        n: at most the number of pairs.

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
        if len(holders) and not foreground[sorted(chosen), label].any():
            _exchange(chosen, int(holders[len(holders) // 2]), foreground)
    return np.array(sorted(chosen), dtype=np.int64)


def _spread(numbers: NDArray[np.int64], n: int) -> list[int]:
    """`n` of them, evenly: the middles of `n` equal parts."""
    places = ((np.arange(n) + 0.5) * len(numbers) / max(n, 1)).astype(np.int64)
    return [int(one) for one in numbers[places]]


def _exchange(chosen: set[int], newcomer: int, foreground: NDArray[np.bool_]) -> None:
    """Put `newcomer` in the place of the nearest pair that holds no label alone."""
    counts = foreground[sorted(chosen)].sum(axis=0)
    free = [one for one in chosen if not (foreground[one] & (counts == 1)).any()]
    if free:
        chosen.remove(min(free, key=lambda one: (abs(one - newcomer), one)))
        chosen.add(newcomer)
