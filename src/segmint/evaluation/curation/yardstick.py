"""How little a segmenter may agree with a mask before the mask is to blame: what it reaches on real pairs it has not seen.

A segmenter misses small things in real images too, so Dice has no one threshold: pairs are compared with real pairs that show
about as much of the label. How much that is, the drawn mask and the segmenter's say together (their union), so that neither
an invented nor a forgotten lesion passes for a small one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.metrics.dice import dice

# Real slices with a label below which it is not judged; slices of a band, and bands at most.
FEWEST, _IN_A_BAND, _BANDS = 20, 40, 4


@dataclass(frozen=True)
class Band:
    """Slices in which the two masks of a label cover at least `start` pixels together, up to the next band.

    Attributes:
        slices: real ones in it; least: the Dice that a share of them does not reach, and pairs must.
    """

    start: int
    slices: int
    least: float


@dataclass(frozen=True)
class Yardstick:
    """What is asked of pairs in one label.

    Attributes:
        bands: ascending; smaller pairs than the first begins with belong to it.
        slices, subjects: real ones with the label, that set it.
    """

    bands: tuple[Band, ...]
    slices: int
    subjects: int

    def least(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """[n] Dice that pairs must reach, by their overlap counts [n, 3]."""
        asked = np.array([band.least for band in self.bands])
        return np.asarray(asked[_placed(counts, [band.start for band in self.bands])], dtype=np.float64)

    def fails(self, counts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """[n] whether pairs agree less than that; those without the label in either mask do not fail."""
        values = dice(counts)
        return ~np.isnan(values) & (values < self.least(counts))

    def described(self) -> dict[str, Any]:
        """JSON-able."""
        bands = [{"from_pixels": one.start, "slices": one.slices, "least_dice": one.least} for one in self.bands]
        return {"slices": self.slices, "subjects": self.subjects, "bands": bands}


def set_yardstick(counts: NDArray[np.int64], units: NDArray[np.int64], *, share: float) -> Yardstick | None:
    """Thresholds that at most a share of real slices fails, band by band.

    Args:
        counts: [n, 3] of one label in held-out real slices; units: [n] the subject of each.
        share: of the slices with the label in either mask.

    Returns:
        None where fewer than 20 slices have it.
    """
    present = counts.sum(axis=1) > 0
    counts, units = counts[present], units[present]
    if len(counts) < FEWEST:
        return None
    sizes = np.sort(counts.sum(axis=1))
    number = int(np.clip(len(counts) // _IN_A_BAND, 1, _BANDS))
    starts = np.unique(sizes[(np.arange(number) * len(sizes)) // number]).tolist()
    values, places = dice(counts), _placed(counts, starts)
    bands = []
    for place, start in enumerate(starts):
        inside = values[places == place]
        # An order statistic, so that no more than the share lies below it, ties or not.
        bands.append(Band(start, len(inside), float(np.quantile(inside, share, method="lower"))))
    return Yardstick(tuple(bands), len(counts), len(np.unique(units)))


def _placed(counts: NDArray[np.int64], starts: Sequence[int]) -> NDArray[np.int64]:
    """[n] number of the band of each."""
    places = np.searchsorted(np.asarray(starts), counts.sum(axis=1), side="right") - 1
    return np.asarray(places.clip(min=0), dtype=np.int64)
