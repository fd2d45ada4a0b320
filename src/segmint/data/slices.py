"""The 2-D slices of a dataset on one square grid, memory-mapped."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmint.data.dataset import Dataset
from segmint.data.formats.format import AnyArray
from segmint.data.intensity import IntensityMap, median_intensity
from segmint.data.placement import Placement
from segmint.data.slice_cache import IMAGES, INDEX, LABELS, cached_slices, condition_file
from segmint.data.subjects import Subset
from segmint.errors import UserError


@dataclass(frozen=True)
class SliceRecord:
    """Where a slice comes from.

    Args:
        case: Case id.
        subject: Its subject.
        slice: Number along the axis; for 2-D cases the recorded number, 0 where none is.
        foreground: The label map holds anything but background.
    """

    case: str
    subject: str
    slice: int
    foreground: bool


class SliceSet:
    """All slices of a dataset, scaled by one factor, centred and padded to a square.

    Attributes:
        dataset: What was cut.
        size: Side of the square.
        axis: Axis of the volumes the slices were taken along; None for 2-D datasets.
        scale: Target pixels per source pixel, at most 1.
        images: [N, C, size, size] float32 in [-1, 1], read-only memory map.
        labels: [N, size, size] uint8 ids, read-only memory map; all background where the images have no label maps.
        conditions: Condition maps by name, each like `labels`.
        records: Where each slice comes from; by case id, then slice number.
        marks: Of each slice as it is stored (see `mark_of`): equal where images are equal, "" where they hold next to nothing.
        case_intensity: Per case id, one map a channel.
        intensity: Per channel the median map of the training cases (of all cases where there is no split).
        spacing: Median millimetres per array axis of the source.
    """

    def __init__(self, dataset: Dataset, *, size: int, axis: int | None, folder: Path) -> None:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        self.dataset = dataset
        self.size = size
        self.axis = axis
        self.scale: float = index["scale"]
        self.spacing: tuple[float, ...] = tuple(index["spacing"])
        self.images: NDArray[np.float32] = np.load(folder / IMAGES, mmap_mode="r")
        self.labels: NDArray[np.uint8] = (
            np.load(folder / LABELS, mmap_mode="r")
            if index["labelled"]
            else np.broadcast_to(np.uint8(0), (len(self.images), size, size))
        )
        self.conditions: Mapping[str, NDArray[np.uint8]] = {
            name: np.load(folder / condition_file(name), mmap_mode="r") for name in dataset.conditions
        }
        self._placement = Placement(size, self.scale)
        self._case_numbers: list[int] = [case for case, _, _ in index["slices"]]
        self._plane_shapes: list[tuple[int, int]] = [(height, width) for height, width in index["plane_shapes"]]
        self.records: tuple[SliceRecord, ...] = tuple(
            SliceRecord(dataset.cases[case].id, dataset.cases[case].subject, number, foreground)
            for case, number, foreground in index["slices"]
        )
        self.marks: tuple[str, ...] = tuple(index["marks"])
        self._subject_of = np.array([record.subject for record in self.records])
        self.case_intensity: dict[str, tuple[IntensityMap, ...]] = {
            case.id: tuple(IntensityMap(kind, low, high) for kind, low, high in maps)
            for case, maps in zip(dataset.cases, index["intensity"], strict=True)
        }
        training = set(dataset.split.train) if dataset.split else set(dataset.subjects)
        maps_of_training = [self.case_intensity[case.id] for case in dataset.cases if case.subject in training]
        self.intensity: tuple[IntensityMap, ...] = tuple(
            median_intensity([maps[channel] for maps in maps_of_training])
            for channel in range(len(dataset.channel_names))
        )
        self._last_label: tuple[int, NDArray[np.uint8]] | None = None

    def __len__(self) -> int:
        return len(self.records)

    @cached_property
    def subjects_by_mark(self) -> Mapping[str, frozenset[str]]:
        """Whose images have each of the marks."""
        found: dict[str, set[str]] = defaultdict(set)
        for mark, record in zip(self.marks, self.records, strict=True):
            if mark:
                found[mark].add(record.subject)
        return {mark: frozenset(subjects) for mark, subjects in found.items()}

    @property
    def reference_shape(self) -> tuple[int, int]:
        """Smallest in-plane box (h, w) on the source's grid that holds every slice."""
        return max(h for h, _ in self._plane_shapes), max(w for _, w in self._plane_shapes)

    def indices(self, subjects: Iterable[str]) -> NDArray[np.int64]:
        """Numbers of the slices of some subjects, ascending.

        Raises:
            UserError: a subject is not in the dataset.
        """
        wanted = set(subjects)
        self.dataset.cases_of(wanted)
        return np.flatnonzero(np.isin(self._subject_of, sorted(wanted))).astype(np.int64)

    def subset_indices(self, subset: Subset) -> NDArray[np.int64]:
        """Numbers of the slices of a stored subset, ascending.

        Raises:
            UserError: a subject or slice of the subset is not in the dataset.
        """
        if subset.slices is None:
            return self.indices(subset.subjects)
        positions = {(record.case, record.slice): number for number, record in enumerate(self.records)}
        missing = [one for one in subset.slices if one not in positions]
        if missing:
            raise UserError(
                f'{self.dataset.root} has no slice {missing[0][1]} of "{missing[0][0]}", which the subset '
                f'"{subset.name}" names: '
                "it was drawn along another axis or from other files, so draw it again."
            )
        return np.array(sorted(positions[one] for one in subset.slices), dtype=np.int64)

    @property
    def slice_spacing(self) -> tuple[float, ...]:
        """Millimetres per pixel of the square grid (rows, columns), and for volumes the distance between slices."""
        in_plane = tuple(step / self.scale for axis, step in enumerate(self.spacing) if axis != self.axis)
        return in_plane if self.axis is None else (*in_plane, self.spacing[self.axis])

    def original_shape(self, index: int) -> tuple[int, int]:
        """(h, w) of a slice on its own grid."""
        return self._plane_shapes[self._case_numbers[index]]

    def original_label(self, index: int) -> NDArray[np.uint8]:
        """[h, w] ids of a slice on its own grid, read from its file; the last file read is kept in memory."""
        number = self._case_numbers[index]
        if self._last_label is None or self._last_label[0] != number:
            self._last_label = number, self.dataset.read_label(self.dataset.cases[number])
        label = self._last_label[1]
        return label if self.axis is None else np.take(label, self.records[index].slice, axis=self.axis)

    def padding(self, index: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """((top, bottom), (left, right)) that a slice was padded by, in pixels of the square grid."""
        return self._placement.padding(self.original_shape(index))

    def undo(self, array: AnyArray, original_shape: tuple[int, int], *, order: int) -> AnyArray:
        """[..., size, size] -> [..., h, w]: padding cut off, scale undone.

        Args:
            array: On the square grid: labels, images or probabilities.
            original_shape: (h, w) to come back to.
            order: 0 for labels (nearest), 1 for images and probabilities (linear).
        """
        return self._placement.undo(array, original_shape, order=order)


def open_slices(
    dataset: Dataset, *, size: int, axis: int | None = None, progress: Callable[[int, int], None] | None = None
) -> SliceSet:
    """Cut a dataset into slices, or reopen them from the cache.

    Args:
        dataset: 2-D, or 3-D.
        size: Side of the square grid in pixels.
        axis: Array axis of volumes to cut along. By default the one with the largest spacing, the last of equals, which
            is what nnU-Net's 2-D configuration takes.
        progress: Called with (cases done, cases) while the cache is built.

    Raises:
        UserError: a file is wrong, all label maps of a real dataset are empty, `axis` does not exist, or the cache cannot
            be written.
    """
    if size < 1:
        raise UserError(f"The size {size} is not possible: give the side of the training images in pixels, such as 64.")
    chosen = _axis(dataset, axis)
    folder = cached_slices(dataset, size=size, axis=chosen, progress=progress)
    slices = SliceSet(dataset, size=size, axis=chosen, folder=folder)
    # A generator that draws no label is judged, not refused: the mask audit names it and the trial shows what it is worth.
    if dataset.provenance is None and not any(record.foreground for record in slices.records):
        raise UserError(
            f"All label maps of {dataset.root} are empty: check the masks, there is nothing to learn from them."
        )
    return slices


def open_unlabelled_slices(slices: SliceSet) -> SliceSet | None:
    """The images of the dataset's imagesUnlabelled on the same grid: same size, axis and scale; None where there are none.

    An image that is larger than every labelled one is seen in part, its centre. Slices of a volume of which others are
    labelled have the intensity maps of those.

    Raises:
        UserError: a file is wrong, or the cache cannot be written.
    """
    dataset = slices.dataset
    if not dataset.unlabelled:
        return None
    maps: dict[str | None, tuple[IntensityMap, ...]]
    maps = {case.volume: slices.case_intensity[case.id] for case in dataset.cases if case.volume is not None}
    alone = dataset.images_alone()
    cases = tuple(replace(case, intensity=case.intensity or maps.get(case.volume)) for case in alone.cases)
    alone = replace(alone, cases=cases)
    folder = cached_slices(alone, size=slices.size, axis=slices.axis, scale=slices.scale)
    return SliceSet(alone, size=slices.size, axis=slices.axis, folder=folder)


def _axis(dataset: Dataset, axis: int | None) -> int | None:
    if dataset.dimensions == 2:
        if axis is not None:
            raise UserError(
                f"{dataset.root} holds 2-D images: an axis can be chosen for volumes only, so leave it out."
            )
        return None
    if axis is not None:
        if axis not in (0, 1, 2):
            raise UserError(f"The axis {axis} does not exist: volumes have the axes 0, 1 and 2.")
        return axis
    return widest_axis(dataset)


def widest_axis(dataset: Dataset) -> int:
    """Of a dataset of volumes the array axis with the largest spacing, the last of equals: what nnU-Net's 2-D configuration cuts
    along.
    """
    spacing = np.median([dataset.spacing(case) for case in dataset.cases], axis=0)
    largest = [number for number in range(3) if spacing[number] >= spacing.max() * (1 - 1e-3)]
    return largest[-1]
