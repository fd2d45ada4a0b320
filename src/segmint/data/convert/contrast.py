"""Contrast of volumes that come as 8-bit pictures, slice by slice: one map for all slices of a volume."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Literal

import numpy as np

from segmint.data.formats.format import AnyArray
from segmint.data.intensity import IntensityMap, percentile_intensity

Contrast = Literal["file", "subject"]
"""Intensities as the file format bounds them, or stretched between percentiles of all pictures of a subject."""


def percentile_maps(pictures: Iterable[tuple[str, Callable[[], AnyArray]]]) -> dict[str, tuple[IntensityMap, ...]]:
    """Percentile maps, one a channel, over all pictures that belong together.

    MR has no units: the fixed range of 8 bits would leave tissue a small part of [-1, 1], another in every patient. A slice
    alone would not do, since one that holds little but noise would be stretched to full contrast.

    Args:
        pictures: Name of the volume or subject, and what reads the picture, [C, H, W] in stored units.
    """
    members: dict[str, list[Callable[[], AnyArray]]] = defaultdict(list)
    for name, read in pictures:
        members[name].append(read)
    return {name: _maps([read() for read in reads]) for name, reads in members.items()}


def _maps(images: list[AnyArray]) -> tuple[IntensityMap, ...]:
    return tuple(
        percentile_intensity(np.concatenate([image[channel].ravel() for image in images]))
        for channel in range(len(images[0]))
    )
