"""Distances between the surfaces of two masks: 95th percentile Hausdorff distance and normalised surface Dice.

A surface is the voxels of a mask that have a face in common with the background; the edge of the image counts as
background. All voxels of a surface weigh the same, whatever area they stand for on an anisotropic grid. 2-D and 3-D.

| | truth empty | prediction empty | both empty |
|---|---|---|---|
| HD95 | NaN | NaN | NaN |
| normalised surface Dice | 0 | 0 | NaN |

A label that was missed altogether has no HD95, since no finite distance is right: a mean of HD95 over subjects must be
read beside the number of subjects it rests on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from segmint.metrics.bounding_box import Mask, crop_to_both

NAMES = ("hd95", "nsd")
DIRECTIONS = {"hd95": "lower", "nsd": "higher"}
RANGES = {"hd95": (0.0, float("inf")), "nsd": (0.0, 1.0)}

_PERCENTILE = 95
# A distance of exactly the tolerance counts as within, rounding errors of the root included.
_ROUNDING = 1 + 1e-9


@dataclass(frozen=True)
class SurfaceDistances:
    """Distances in the unit of the spacing, infinite where the other mask is empty.

    Attributes:
        from_prediction: of each voxel of the prediction's surface to the nearest of the truth's, float64 [n].
        from_truth: the other way, float64 [m].
    """

    from_prediction: NDArray[np.float64]
    from_truth: NDArray[np.float64]


def surface_distances(prediction: ArrayLike, truth: ArrayLike, *, spacing: Sequence[float]) -> SurfaceDistances:
    """Distances between the surfaces of two masks, on the bounding box of both.

    Args:
        prediction: bool [*spatial], 2-D or 3-D; truth: on the same grid.
        spacing: millimetres per array axis.

    Raises:
        ValueError: the shapes differ, or the spacing does not fit them or is not positive.
    """
    predicted, true = crop_to_both(prediction, truth)
    if len(spacing) != predicted.ndim or not all(step > 0 for step in spacing):
        raise ValueError(f"spacing {tuple(spacing)} for masks of {predicted.ndim} dimensions")
    ours, theirs = _surface(predicted), _surface(true)
    return SurfaceDistances(_to_nearest(ours, theirs, spacing), _to_nearest(theirs, ours, spacing))


def hausdorff_95(distances: SurfaceDistances) -> float:
    """95th percentile Hausdorff distance in the unit of the spacing; lower is better.

    The 95th percentile of each direction, then the larger of the two [Huttenlocher 1993; Maier-Hein 2024].
    """
    both = (distances.from_prediction, distances.from_truth)
    if not all(len(one) for one in both):
        return float("nan")
    return max(float(np.percentile(one, _PERCENTILE)) for one in both)


def within_tolerance(distances: SurfaceDistances, *, tolerance: float) -> tuple[int, int]:
    """(surface voxels of either mask within `tolerance` of the other surface, surface voxels of both).

    The counts of the parts of one subject add up to those of the subject.
    """
    both = (distances.from_prediction, distances.from_truth)
    close = sum(int(np.count_nonzero(one <= tolerance * _ROUNDING)) for one in both)
    return close, sum(len(one) for one in both)


def normalised_surface_dice(close: ArrayLike, total: ArrayLike) -> NDArray[np.float64]:
    """Share of both surfaces that lies within the tolerance of the other [Nikolov 2021]; 0 to 1, higher is better.

    Args:
        close: [...], total: [...], as `within_tolerance` counts them.

    Returns:
        float64 [...].
    """
    above, below = np.asarray(close, dtype=np.float64), np.asarray(total, dtype=np.float64)
    values: NDArray[np.float64] = np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)
    return values


def _surface(mask: Mask) -> Mask:
    return mask & ~ndimage.binary_erosion(mask) if mask.size else mask


def _to_nearest(ours: Mask, theirs: Mask, spacing: Sequence[float]) -> NDArray[np.float64]:
    """Distance of every voxel set in `ours` to the nearest set in `theirs`."""
    if not ours.any():
        return np.empty(0)
    if not theirs.any():
        return np.full(int(np.count_nonzero(ours)), np.inf)
    distances: NDArray[np.float64] = ndimage.distance_transform_edt(~theirs, sampling=tuple(spacing))[ours]
    return distances
