"""All metrics of the arms of a trial, each with its interval and with how many subjects it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.evaluation.cells import CellResult
from segmint.evaluation.statistics import bootstrap_mean
from segmint.evaluation.subject_grids import SubjectGrids
from segmint.evaluation.subject_metrics import METRICS, OF_COUNTS, Metric
from segmint.evaluation.summary import Scores
from segmint.metrics.dice import mean_over_labels


def describe_metrics(scores: Scores, grids: SubjectGrids) -> dict[str, Any]:
    """What trial.json says of each metric: direction, range, unit, and by arm its means.

    A mean is over labels, then over subjects and seeds, like that of Dice. What has no value is left out; `subjects`
    have one with any seed, `values` counts them over all seeds.
    """
    return {
        metric.name: {
            "direction": metric.direction,
            "range": list(metric.range),
            "unit": _unit(metric, grids),
            **({"tolerance": grids.tolerance} if metric.name == "nsd" else {}),
            "arms": {arm.name: _describe_arm(scores, arm.name, metric) for arm in scores.arms},
        }
        for metric in METRICS
    }


def _unit(metric: Metric, grids: SubjectGrids) -> str:
    """Unit of the values; for the surface Dice, that of its tolerance."""
    if metric.kind == "distance" or metric.name == "nsd":
        return "mm" if grids.physical else "pixels"
    if metric.kind == "area":
        return "mm²" if grids.physical else "pixels"
    if metric.kind == "volume":
        whole, flat = ("mm³", "mm²") if grids.physical else ("voxels", "pixels")
        return whole if grids.dimensions == 3 else flat
    return ""


def _describe_arm(scores: Scores, arm: str, metric: Metric) -> dict[str, Any]:
    values, units = scores.metrics[arm][metric.name], scores.units[arm]
    return {
        **_mean(mean_over_labels(values), units, metric),
        "labels": {label: _mean(values[:, :, number], units, metric) for number, label in enumerate(scores.labels)},
    }


def _mean(values: NDArray[np.float64], units: list[int] | None, metric: Metric) -> dict[str, Any]:
    """Of values [seeds, subjects], with an interval that stays where the metric can be."""
    estimate, measured = bootstrap_mean(values, units=units, within=metric.range), ~np.isnan(values)
    return {
        "mean": estimate.value,
        "interval": estimate.interval,
        "subjects": int(measured.any(axis=0).sum()),
        "values": int(measured.sum()),
    }


def partly_measured(results: Sequence[CellResult]) -> list[str]:
    """A note where cells of an earlier version kept overlap counts alone."""
    old = sum(not result.metrics for result in results)
    if not old:
        return []
    rest = ", ".join(metric.name for metric in METRICS if metric.name not in OF_COUNTS)
    return [
        f"{old} of {len(results)} cells were scored by an earlier version that kept overlap counts alone: they have no "
        f"part in {rest}. To measure all cells, repeat the trial with --overwrite."
    ]
