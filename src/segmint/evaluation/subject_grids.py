"""How the slices of a dataset are put back together: onto which grid, with what spacing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segmint.data.slices import SliceSet


@dataclass(frozen=True)
class Grid:
    """One map to be measured: a volume of several slices, or a single 2-D image.

    Attributes:
        subject: whose it is.
        slices: numbers in the slice set, in the order along `axis`.
        axis: array axis the slices are stacked along; None for a single 2-D image.
        spacing: millimetres per array axis.
    """

    subject: str
    slices: tuple[int, ...]
    axis: int | None
    spacing: tuple[float, ...]


@dataclass(frozen=True)
class SubjectGrids:
    """All grids of the chosen slices.

    Attributes:
        grids: every chosen slice is in one of them.
        dimensions: of all grids.
        physical: the spacing of every case of the dataset is recorded; else 1.0 stands for it and distances are in pixels.
        tolerance: of the normalised surface Dice, in the unit of the spacing.
    """

    grids: tuple[Grid, ...]
    dimensions: Literal[2, 3]
    physical: bool
    tolerance: float


def plan_grids(slices: SliceSet, indices: NDArray[np.int64], *, tolerance: float | None = None) -> SubjectGrids:
    """Group slices into the maps on which subjects are measured.

    Slices of volumes go back into their volume. 2-D images that are recorded as slices of a volume are stacked where the
    distance between slices is recorded too and their numbers go up in equal steps; all others are measured one by one,
    in their plane. Which of both is decided by the whole dataset, so that folds and trials measure in the same unit.

    Args:
        slices: real slices; indices: all slices of whole cases, ascending.
        tolerance: of the normalised surface Dice, in the unit of the spacing; default: one pixel of the source, the larger side
            of it in the plane, as in the median of the dataset.
    """
    dataset = slices.dataset
    cases = {case.id: case for case in dataset.cases}
    physical = all(dataset.geometry(case).spacing is not None or case.spacing is not None for case in dataset.cases)
    in_plane = [step for axis, step in enumerate(slices.spacing) if axis != slices.axis]
    stacked: list[Grid] = []
    if slices.axis is not None:
        stacked = _volumes(slices, indices)
    elif _stacks(slices, np.arange(len(slices))):
        stacked = _stacks(slices, indices)
    grids = stacked or [
        Grid(slices.records[i].subject, (i,), None, dataset.spacing(cases[slices.records[i].case]))
        for i in indices.tolist()
    ]
    return SubjectGrids(
        tuple(grids), 3 if stacked else 2, physical, float(max(in_plane)) if tolerance is None else tolerance
    )


def _volumes(slices: SliceSet, indices: NDArray[np.int64]) -> list[Grid]:
    of_case: dict[str, list[int]] = defaultdict(list)
    for i in indices.tolist():
        of_case[slices.records[i].case].append(i)
    spacing = {case.id: slices.dataset.spacing(case) for case in slices.dataset.cases if case.id in of_case}
    return [
        Grid(slices.records[numbers[0]].subject, tuple(numbers), slices.axis, spacing[case])
        for case, numbers in of_case.items()
    ]


def _stacks(slices: SliceSet, indices: NDArray[np.int64]) -> list[Grid]:
    """Volumes of 2-D images, or none if any of them does not make one."""
    cases = {case.id: case for case in slices.dataset.cases}
    of_volume: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i in indices.tolist():
        case = cases[slices.records[i].case]
        if case.volume is None or case.slice is None or case.spacing is None or len(case.spacing) < 3:
            return []
        of_volume[case.subject, case.volume].append(i)
    grids = []
    for (subject, _), numbers in of_volume.items():
        numbers.sort(key=lambda i: slices.records[i].slice)
        steps = set(np.diff([slices.records[i].slice for i in numbers]).tolist()) or {1}
        shapes = {slices.original_shape(i) for i in numbers}
        if len(steps) > 1 or min(steps) < 1 or len(shapes) > 1:
            return []
        case = cases[slices.records[numbers[0]].case]
        assert case.spacing is not None
        spacing = (*slices.dataset.spacing(case), steps.pop() * case.spacing[2])
        grids.append(Grid(subject, tuple(numbers), 2, spacing))
    return grids
