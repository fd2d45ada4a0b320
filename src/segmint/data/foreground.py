"""Foreground, where a dataset does not tell it: the object against an empty surrounding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmint.data.pool import PairPool

FOREGROUND = "foreground"
# Pieces smaller than this share of the slice are specks, not objects.
SMALLEST_SHARE = 0.01


def foreground(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Foreground of one slice: what is brighter than air, holes filled, specks dropped.

    Args:
        image: [C, S, S] in [-1, 1].

    Returns:
        [S, S]: 1 in the foreground, 0 outside.
    """
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    # The brightest contrast decides: what is dark in one is seldom dark in all.
    brightest = image.max(axis=0)
    if brightest.max() - brightest.min() < 1e-3:
        return np.zeros(brightest.shape, dtype=np.uint8)
    # Otsu may part bright tissue from dark, so the step up from air is a quarter of the way to what is bright.
    air = float(np.percentile(brightest, 5))
    bright = float(brightest[brightest > threshold_otsu(brightest)].mean())
    threshold = air + 0.25 * (bright - air)
    pieces, count = ndimage.label(ndimage.binary_opening(brightest > threshold, iterations=1))
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    sizes[0] = 0
    kept = np.flatnonzero(sizes >= SMALLEST_SHARE * brightest.size)
    return np.asarray(ndimage.binary_fill_holes(np.isin(pieces, kept)), dtype=np.uint8)


def foreground_of_pool(pool: PairPool) -> NDArray[np.uint8]:
    """Foreground of every slice of a pool, [len, S, S]; of tiles, cut out of that of the whole slice."""
    found = np.empty((len(pool), pool.size, pool.size), dtype=np.uint8)
    whole, windows = pool.whole(), pool.windows()
    bounds = np.searchsorted(windows[:, 0], np.arange(len(whole) + 1))
    for position in range(len(whole)):
        (image,), (label,) = whole.read(np.array([position]))
        # A label outside would ask for an object in the air.
        seen = foreground(image) | (label > 0)
        for place in range(bounds[position], bounds[position + 1]):
            _, top, left = windows[place]
            found[place] = seen[top : top + pool.size, left : left + pool.size]
    return found
