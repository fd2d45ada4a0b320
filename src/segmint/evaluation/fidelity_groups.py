"""The groups of subjects that a comparison of images leaves out in turn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segmint.evaluation.image_summary import ImageSummary
from segmint.evaluation.jackknife import GROUPS, deal_groups


def dealt_groups(sets: Sequence[ImageSummary], *, seed: int) -> list[NDArray[np.int64]]:
    """[n] of each set, the group that an image is left out with; as many groups of each.

    Images that are new to one network or another are a part of a set, often a small one: each loses as few subjects as can be.

    Args:
        sets: with features as they are, on no scale yet.
    """
    groups = min(GROUPS, *(len(np.unique(one.units)) for one in sets))
    return [deal_groups(one.units, groups, seed=seed + number, parts=_parts(one)) for number, one in enumerate(sets)]


def _parts(summary: ImageSummary) -> NDArray[np.int64]:
    """[n] a number for whom an image is new to."""
    new = np.stack([summary.new(name) for name in summary.features], axis=1)
    return np.unique(new, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
