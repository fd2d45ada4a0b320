"""Which labels of a label map lie wholly inside another, and which appear together: the anatomy that a map claims."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

_EIGHT = np.ones((3, 3), dtype=bool)


def nested_labels(label_map: ArrayLike) -> set[tuple[int, int]]:
    """Pairs (inner, outer) of foreground ids: a piece of `inner` is surrounded on all sides by nothing but `outer`.

    Args:
        label_map: [H, W] integer ids, 0 is background. Pieces hang together over sides or corners; one at the edge of the map is
            not surrounded.

    Raises:
        ValueError: it is not two-dimensional.
    """
    ids = np.asarray(label_map)
    if ids.ndim != 2:
        raise ValueError(f"a label map [H, W] was expected, not one of shape {ids.shape}")
    found: set[tuple[int, int]] = set()
    for label in _foreground(ids):
        pieces, _ = ndimage.label(ids == label, structure=_EIGHT)
        for number, box in enumerate(ndimage.find_objects(pieces), start=1):
            if any(one.start == 0 or one.stop == side for one, side in zip(box, ids.shape, strict=True)):
                continue
            around = tuple(slice(one.start - 1, one.stop + 1) for one in box)
            # What lies inside it is no part of what surrounds it.
            piece = ndimage.binary_fill_holes(pieces[around] == number)
            border = ids[around][ndimage.binary_dilation(piece) & ~piece]
            outer = int(border[0])
            if outer and (border == outer).all():
                found.add((label, outer))
    return found


def labels_together(label_maps: ArrayLike, *, label_count: int) -> NDArray[np.bool_]:
    """Of maps [n, H, W] whether each holds both of two labels: [n, label_count, label_count]; on the diagonal, whether the one."""
    maps = np.asarray(label_maps)
    held = np.stack([(maps == label).any(axis=(1, 2)) for label in range(label_count)], axis=1)
    return np.asarray(held[:, :, None] & held[:, None])


def _foreground(ids: NDArray[np.integer]) -> list[int]:
    return [int(one) for one in np.unique(ids) if one]
