"""How the axes of a volume lie in the patient, and turning volumes so that they lie alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from nibabel.orientations import (
    aff2axcodes,
    apply_orientation,
    axcodes2ornt,
    io_orientation,
    ornt_transform,
)
from numpy.typing import NDArray

from segmint.data.case import Case
from segmint.data.dataset import Dataset
from segmint.data.formats.format import AnyArray

# The line that a letter of an orientation lies on.
AXES = {"L": 0, "R": 0, "P": 1, "A": 1, "I": 2, "S": 2}


def orientation_of(affine: NDArray[np.float64]) -> str:
    """Where each array axis leads, such as "RAS" (right, anterior, superior); of oblique volumes the nearest.

    "?" stands for an axis that a damaged matrix leads nowhere.
    """
    return "".join(letter or "?" for letter in aff2axcodes(affine))


def common_orientation(dataset: Dataset, cases: Sequence[Case] | None = None) -> str | None:
    """The orientation that all volumes of a dataset, or some of them, have; None where they differ, do not tell, or are 2-D."""
    if dataset.dimensions == 2:
        return None
    affines = [dataset.affine(case) for case in (dataset.cases if cases is None else cases)]
    found = {None if affine is None else orientation_of(affine) for affine in affines}
    only = found.pop() if len(found) == 1 else None
    return only if only is not None and names_orientation(only) else None


def names_orientation(text: str) -> bool:
    """Whether three letters, such as "LPS", name a direction along each axis of a patient."""
    return sorted(AXES.get(letter, -1) for letter in text) == [0, 1, 2]


def affine_along(orientation: str, spacing: Sequence[float]) -> NDArray[np.float64]:
    """[4, 4] voxel-to-world matrix of a volume whose axes lead as named; its first voxel lies at the origin.

    Args:
        orientation: as `orientation_of` gives it; spacing: millimetres along each array axis.
    """
    affine = np.diag([0.0, 0.0, 0.0, 1.0])
    for axis, (world, sign) in enumerate(axcodes2ornt(tuple(orientation))):
        affine[int(world), axis] = sign * spacing[axis]
    return affine


def other_plane(dataset: Dataset, *, axis: int | None, plane: str | None) -> str | None:
    """Where rows and columns of slices of a dataset lead, where some lead elsewhere than asked; None where none do, or do not tell.

    Args:
        axis: along which its volumes are cut; single slices that were read as 2-D lie along their axis of one voxel.
        plane: where rows and columns are to lead, such as "RA"; None asks for nothing.
    """
    # What earlier versions drew lies as the volumes behind it did, but its files do not say so.
    if plane is None or (dataset.dimensions == 2 and dataset.provenance is not None):
        return None
    for case in dataset.cases:
        affine, shape = dataset.affine(case), dataset.geometry(case).shape
        along = axis if dataset.dimensions == 3 else next((one for one, side in enumerate(shape) if side == 1), None)
        if affine is None or len(shape) != 3 or along is None:
            continue
        found = plane_of(orientation_of(affine), along)
        if found != plane:
            return found
    return None


def plane_of(orientation: str, axis: int) -> str:
    """Where rows and columns of slices along an axis lead, such as "RA" for "RAS" cut along axis 2."""
    return orientation[:axis] + orientation[axis + 1 :]


def orientation_remark(orientations: Iterable[str]) -> str | None:
    """One sentence where volumes, of which these are the orientations, do not lie alike; None where they do."""
    found = Counter(orientations)
    if len(found) < 2:
        return None
    planes = {tuple(AXES.get(letter, -1) for letter in one) for one in found}
    shown = "slices of different planes" if len(planes) > 1 else "some slices as mirror images of others"
    listed = ", ".join(f"{one}: {count}" for one, count in found.most_common())
    return (
        f"Volumes are stored in {len(found)} orientations ({listed}) and cut along stored axes, so that training sees {shown}:"
        " bring them to one orientation first (nibabel.as_closest_canonical, say)."
    )


def orientations_of(dataset: Dataset) -> list[str]:
    """Of the volumes of a dataset that tell theirs; none for 2-D images."""
    if dataset.dimensions == 2:
        return []
    affines = [dataset.affine(case) for case in dataset.cases]
    return [orientation_of(affine) for affine in affines if affine is not None]


class Turn:
    """From the orientation of one volume to another, and back.

    Args:
        affine: [4, 4] of the volume; orientation: the one wanted.
    """

    def __init__(self, affine: NDArray[np.float64], orientation: str) -> None:
        here, there = io_orientation(affine), axcodes2ornt(tuple(orientation))
        self._there, self._back = ornt_transform(here, there), ornt_transform(there, here)

    def there(self, array: AnyArray) -> AnyArray:
        """[X, Y, Z, ...] with its first three axes as wanted."""
        turned: AnyArray = apply_orientation(array, self._there)
        return turned

    def back(self, array: AnyArray) -> AnyArray:
        """The same array with its axes as they were."""
        turned: AnyArray = apply_orientation(array, self._back)
        return turned

    def steps(self, spacing: tuple[float, ...]) -> tuple[float, ...]:
        """Millimetres per array axis after turning."""
        order = np.argsort(self._there[:, 0])
        return tuple(spacing[int(axis)] for axis in order)
