"""How many images, of how many subjects, measures in features take, with a group of them left out too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segmint.metrics import frechet
from segmint.metrics.neighbourhoods import NEIGHBOURS

# Images of a whole, and subjects of each of its parts.
FEWEST_IN_FEATURES, FEWEST_SUBJECTS = 50, 6


def enough(units: NDArray[np.int64], groups: NDArray[np.int64], *, parts: int) -> bool:
    """Whether images of a set are enough to measure in features, whichever group of the jackknife is left out.

    Args:
        units: [n] the subject of each image; groups: [n] the group that it is left out with, see `deal_groups`.
        parts: how many parts the whole has of which these are one; each takes its share of the images.
    """
    if len(units) < FEWEST_IN_FEATURES // parts:
        return False
    _, places, counts = np.unique(units, return_index=True, return_counts=True)
    lost = int(np.bincount(groups[places]).max())
    # One subject's images have to be left enough of others, even with the largest ones gone.
    others = np.sort(counts)[: -1 - lost]
    return (
        len(counts) >= FEWEST_SUBJECTS
        and len(counts) - lost >= frechet.FEWEST_SUBJECTS
        and int(others.sum()) > 2 * NEIGHBOURS
    )
