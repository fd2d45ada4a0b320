"""DICOM segmentations: which series they belong to, and their segments as label ids on its grid.

DICOM PS3.3, C.8.20 (segmentation image): every frame shows one segment in one plane, or, of a label map, all of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmint.data.convert.dicom.files import Header
from segmint.data.convert.dicom.frames import Frame, frames_of
from segmint.data.convert.dicom.library import reading
from segmint.data.convert.dicom.series import ImageSeries
from segmint.data.convert.dicom.values import stored_frames
from segmint.data.formats.memory import FLOAT32, check_memory
from segmint.errors import UserError

_BYTE = 1
BACKGROUND = "background"
_OFF_GRID = 0.1
"""Voxels by which a frame may miss the grid of its series at any corner."""


@dataclass(frozen=True, eq=False)
class Segmentation:
    """One DICOM SEG object.

    Args:
        header: Its header.
        labels: Name of every segment number.
        series: Instance UID of the series it refers to; empty where it does not say.
        frames: Its frames.
        threshold: Stored numbers from here on are inside; 0 for a label map, whose numbers are those of segments.
    """

    header: Header
    labels: Mapping[int, str]
    series: str
    frames: Sequence[Frame]
    threshold: float

    @property
    def path(self) -> Path:
        """Its file."""
        return self.header.path


def open_segmentation(header: Header) -> Segmentation:
    """Read the header of a segmentation.

    Raises:
        UserError: it is damaged, names no segment, or a segment twice.
    """
    path, attributes = header.path, header.attributes
    with reading(path):
        labels: dict[int, str] = {}
        for one in attributes.get("SegmentSequence") or []:
            number = int(one.SegmentNumber)
            if number in labels:
                raise UserError(f"{path} has the segment {number} twice: mend it.")
            labels[number] = " ".join(str(one.get("SegmentLabel") or f"segment {number}").split())
        if not labels:
            raise UserError(f"{path} is a segmentation without segments: remove it, or restore the original.")
        referenced = attributes.get("ReferencedSeriesSequence") or []
        series = str(referenced[0].get("SeriesInstanceUID", "")) if referenced else ""
        kind = header.text("SegmentationType")
        largest = float(attributes.get("MaximumFractionalValue") or 255)
    frames = frames_of(header)
    if kind != "LABELMAP":
        for frame in frames:
            if frame.segment not in labels:
                raise UserError(
                    f"{path} has a frame of the segment {frame.segment}, which it does not describe: mend it."
                )
    threshold = {"BINARY": 1.0, "FRACTIONAL": largest / 2, "LABELMAP": 0.0}.get(kind)
    if threshold is None:
        raise UserError(
            f'{path} is a segmentation of the type "{kind}": only BINARY, FRACTIONAL and LABELMAP can be read.'
        )
    return Segmentation(header, labels, series, frames, threshold)


def label_names(segmentations: Sequence[Segmentation]) -> tuple[str, ...]:
    """Names of all ids over all segmentations, background first; the same name is the same label, whatever its case.

    The order is that of the lowest segment number a label has anywhere, then of the name.

    Raises:
        UserError: there are more than 255, or only background.
    """
    lowest: dict[str, tuple[int, str]] = {}
    for one in segmentations:
        for number, name in one.labels.items():
            key = name.casefold()
            lowest[key] = min(lowest.get(key, (number, name)), (number, name))
    lowest.pop(BACKGROUND, None)
    if not 1 <= len(lowest) <= 255:
        raise UserError(
            f"The segmentations name {len(lowest)} labels, but 1 to 255 are possible: name what should be learned, not single"
            " objects."
        )
    return (BACKGROUND, *(name for _, name in sorted(lowest.values(), key=lambda one: (one[0], one[1].casefold()))))


def lies_on(segmentation: Segmentation, series: ImageSeries) -> bool:
    """Whether all frames of a segmentation lie on the grid of a series."""
    try:
        for frame in segmentation.frames:
            _indices(frame, series)
    except UserError:
        return False
    return True


def paint(
    series: ImageSeries, segmentations: Sequence[Segmentation], names: Sequence[str], priority: Sequence[str] = ()
) -> NDArray[np.uint8]:
    """[columns, rows, slices] ids of the segments of all segmentations of a series.

    Args:
        series: What they belong to.
        segmentations: In any order.
        names: Index = id.
        priority: Names of labels; where two of them overlap, the first named wins.

    Raises:
        UserError: a frame lies on another grid or outside the series, or segments overlap and none has priority.
    """
    ids = {name.casefold(): number for number, name in enumerate(names)}
    rank = {ids[name.casefold()]: place for place, name in enumerate(priority)}
    label = np.zeros(series.shape, dtype=np.uint8)
    owner = np.zeros(series.shape, dtype=np.int32)
    for number, one in enumerate(segmentations, start=1):
        check_memory(
            one.path, (len(one.frames), *one.frames[0].shape) if one.frames else (), bytes_a_value=_BYTE + FLOAT32
        )
        stored = stored_frames(one.path, [frame.number for frame in one.frames])
        for frame, pixels in zip(one.frames, stored, strict=True):
            if pixels.shape != frame.shape[::-1]:
                raise UserError(f"{one.path} holds other pixels than its header tells: replace it by an intact copy.")
            for segment, inside in _segments(one, frame, pixels):
                target = ids[one.labels[segment].casefold()]
                if target:
                    places = _voxels(inside, frame, series)
                    _claim(label, owner, places, target, number, segmentations, names, rank)
    return label


def _segments(one: Segmentation, frame: Frame, pixels: NDArray[np.uint8]) -> list[tuple[int, NDArray[np.bool_]]]:
    """(segment number, [rows, columns]) of what one frame shows."""
    if one.threshold:
        assert frame.segment is not None
        return [(frame.segment, pixels >= one.threshold)]
    numbers = [int(number) for number in np.unique(pixels) if number]
    unknown = [number for number in numbers if number not in one.labels]
    if unknown:
        raise UserError(f"{one.path} holds the segment {unknown[0]}, which it does not describe: mend it.")
    return [(number, pixels == number) for number in numbers]


def _voxels(inside: NDArray[np.bool_], frame: Frame, series: ImageSeries) -> tuple[NDArray[np.int64], ...]:
    """Array indices in the series of the pixels that are set in a frame."""
    rows, columns = np.nonzero(inside)
    affine = _indices(frame, series)
    places = affine[:3, 3:] + affine[:3, :1] * columns + affine[:3, 1:2] * rows
    shape = np.array(series.shape)[:, None]
    if ((places < 0) | (places >= shape)).any():
        raise UserError(
            f"{frame.path} marks voxels outside of its series, that of {series.path}: restore the slices that are missing there."
        )
    return tuple(places)


def _indices(frame: Frame, series: ImageSeries) -> NDArray[np.int64]:
    """[4, 4] whole numbers: from (column, row) of a frame to array indices of the series.

    Raises:
        UserError: the pixels of the frame are none of the voxels of the series.
    """
    place = np.eye(4)
    place[:3] = np.stack([frame.columns, frame.rows, frame.normal, frame.origin], axis=1)
    exact = np.linalg.solve(series.dicom_affine, place)[:, [0, 1, 3]]
    whole = np.rint(exact)
    ends = [(0, side - 1) for side in frame.shape]
    corners = np.array([(*corner, 1) for corner in itertools.product(*ends)]).T
    steps = np.abs(whole[:3, :2])
    straight = (steps.sum(axis=0) == 1).all() and (steps.sum(axis=1) <= 1).all()
    if not straight or np.abs((exact - whole) @ corners).max() > _OFF_GRID:
        raise UserError(
            f"{frame.path} lies on another grid than its series, that of {series.path}: resample it onto the grid of the image."
        )
    indices = np.zeros((4, 4), dtype=np.int64)
    indices[:, [0, 1, 3]] = whole.astype(np.int64)
    return indices


def _claim(
    label: NDArray[np.uint8],
    owner: NDArray[np.int32],
    places: tuple[NDArray[np.int64], ...],
    target: int,
    number: int,
    segmentations: Sequence[Segmentation],
    names: Sequence[str],
    rank: Mapping[int, int],
) -> None:
    """Write an id to its voxels, unless another one has them and no priority decides."""
    taken, owners = label[places], owner[places]
    twice = (taken == target) & (owners != number)
    if twice.any():
        other = segmentations[int(owners[twice][0]) - 1].path
        raise UserError(
            f'{segmentations[number - 1].path} and {other} both show "{names[target]}" in the same voxels: keep one of them.'
        )
    wins = taken == 0
    for rival in (int(one) for one in np.unique(taken) if one not in (0, target)):
        here = taken == rival
        if rival not in rank or target not in rank:
            raise UserError(
                f'"{names[target]}" of {segmentations[number - 1].path} and "{names[rival]}" overlap: '
                f"say which wins, with --priority '{names[target]},{names[rival]}' or the other way round."
            )
        wins |= here & (rank[target] < rank[rival])
    chosen = tuple(axis[wins] for axis in places)
    label[chosen], owner[chosen] = target, number
