"""All metrics of a subject, label by label, from the maps that make it up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segmint.metrics import dice, lesion, overlap, surface_distance, volume_error

Kind = Literal["share", "distance", "volume", "area"]
_KINDS: Mapping[str, Kind] = {"relative_volume_error": "share", "false_positive_area": "area"}


@dataclass(frozen=True)
class Metric:
    """What a metric is: name, direction ("higher", "lower", or "zero" for signed errors), range, kind of its unit."""

    name: str
    direction: str
    range: tuple[float, float]
    kind: Kind = "share"


METRICS = (
    Metric(dice.NAME, dice.DIRECTION, dice.RANGE),
    *(Metric(name, overlap.DIRECTION, overlap.RANGE) for name in overlap.NAMES),
    *(
        Metric(
            name,
            surface_distance.DIRECTIONS[name],
            surface_distance.RANGES[name],
            "distance" if name == "hd95" else "share",
        )
        for name in surface_distance.NAMES
    ),
    *(
        Metric(
            name,
            volume_error.DIRECTIONS[name],
            volume_error.RANGES[name],
            _KINDS.get(name, "volume"),
        )
        for name in volume_error.NAMES
    ),
    Metric(lesion.NAME, lesion.DIRECTION, lesion.RANGE),
)
# Those that overlap counts alone give.
OF_COUNTS = (dice.NAME, *overlap.NAMES)


class SubjectTally:
    """Adds up the maps of one subject: whole volumes, images, or slices that are measured one by one.

    Overlap counts, volumes, lesions and the surface voxels within tolerance are summed before anything is divided;
    HD95 is the mean over the maps that have one.

    Args:
        label_count: K, background included.
        tolerance: of the normalised surface Dice, in the unit of the spacing.
    """

    def __init__(self, label_count: int, *, tolerance: float) -> None:
        self.tolerance = tolerance
        self.counts = np.zeros((label_count, 3), dtype=np.int64)
        self._volumes = np.zeros((label_count, 2))
        self._surface = np.zeros((label_count, 2), dtype=np.int64)
        self._lesions = np.zeros((label_count, 4), dtype=np.int64)
        self._empty_slices = np.zeros((label_count, 2))
        self._hd95: list[list[float]] = [[] for _ in range(label_count)]

    def add(
        self,
        prediction: NDArray[np.integer],
        truth: NDArray[np.integer],
        *,
        spacing: Sequence[float],
        axis: int | None = None,
    ) -> None:
        """Count one pair of maps.

        Args:
            prediction: integer ids [*spatial], 2-D or 3-D; truth: on the same grid.
            spacing: millimetres per array axis.
            axis: along which slices are stacked; None for a single image.

        Raises:
            ValueError: the shapes differ, an id is unknown, or the spacing does not fit.
        """
        counts = dice.overlap_counts(prediction, truth, label_count=len(self.counts))
        self.counts += counts
        hits, false_alarms, misses = counts.T
        self._volumes += np.stack([hits + false_alarms, hits + misses], axis=1) * float(np.prod(spacing))
        pixel = float(np.prod([step for place, step in enumerate(spacing) if place != axis]))
        for label in range(1, len(counts)):
            ours, theirs = prediction == label, truth == label
            self._empty_slices[label] += volume_error.empty_slice_counts(ours, theirs, axis=axis) * (pixel, 1)
            if not counts[label].any():
                continue
            distances = surface_distance.surface_distances(ours, theirs, spacing=spacing)
            self._surface[label] += surface_distance.within_tolerance(distances, tolerance=self.tolerance)
            self._hd95[label].append(surface_distance.hausdorff_95(distances))
            self._lesions[label] += lesion.lesion_counts(ours, theirs)

    def metrics(self) -> dict[str, NDArray[np.float64]]:
        """By name of every metric float64 [K - 1], the background left out; NaN where there is no value."""
        predicted, true = self._volumes[1:].T
        return {
            **metrics_of_counts(self.counts),
            "hd95": np.array([_mean(values) for values in self._hd95[1:]]),
            "nsd": surface_distance.normalised_surface_dice(*self._surface[1:].T),
            "volume_error": volume_error.absolute_volume_error(predicted, true),
            "relative_volume_error": volume_error.relative_volume_error(predicted, true),
            "false_positive_volume": volume_error.false_positive_volume(predicted, true),
            "false_positive_area": volume_error.false_positive_area(*self._empty_slices[1:].T),
            lesion.NAME: lesion.lesion_f1(self._lesions[1:]),
        }


def metrics_of_counts(counts: NDArray[np.int64]) -> Mapping[str, NDArray[np.float64]]:
    """The metrics `OF_COUNTS`, each float64 [K - 1], of overlap counts [K, 3], the background left out."""
    return {
        dice.NAME: dice.dice(counts)[1:],
        "iou": overlap.iou(counts)[1:],
        "precision": overlap.precision(counts)[1:],
        "sensitivity": overlap.sensitivity(counts)[1:],
        "specificity": overlap.specificity(counts)[1:],
    }


def _mean(values: Sequence[float]) -> float:
    measured = [value for value in values if not np.isnan(value)]
    return float(np.mean(measured)) if measured else float("nan")
