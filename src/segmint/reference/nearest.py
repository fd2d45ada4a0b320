"""The training image nearest to a synthetic one, by pixels: a first look at whether a generator copies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmint.data.pool import PairPool

BLOCK = 512


@dataclass(frozen=True)
class Nearest:
    """For each of n images, the nearest pool position [n] and the root-mean-square difference to it [n], in [0, 2]."""

    positions: NDArray[np.int64]
    distances: NDArray[np.float64]


def nearest_training_images(images: NDArray[np.float32], pool: PairPool) -> Nearest:
    """Search a pool for the image nearest to each of `images` [n, C, S, S] in [-1, 1] by root-mean-square difference.

    The pool is read in blocks. It finds copies at the same place and contrast only; moved or brightened copies need more.
    """
    n = len(images)
    flat = images.reshape(n, -1).astype(np.float64)
    squares = np.square(flat).sum(axis=1)
    best, where = np.full(n, np.inf), np.zeros(n, dtype=np.int64)
    for start in range(0, len(pool), BLOCK):
        positions = np.arange(start, min(start + BLOCK, len(pool)))
        real = pool.read(positions)[0].reshape(len(positions), -1).astype(np.float64)
        distance = squares[:, None] + np.square(real).sum(axis=1)[None] - 2 * flat @ real.T
        closest = distance.argmin(axis=1)
        value = distance[np.arange(n), closest]
        where = np.where(value < best, positions[closest], where)
        best = np.minimum(value, best)
    return Nearest(where, np.sqrt(np.maximum(best, 0) / flat.shape[1]))
