"""Which files make a series, and which segmentations belong to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from segmint.data.convert.dicom.files import Header
from segmint.data.convert.dicom.segments import Segmentation, lies_on
from segmint.data.convert.dicom.series import ImageSeries, arrange
from segmint.errors import UserError

SeriesHeaders = Mapping[str, Sequence[Header]]


@dataclass(frozen=True, eq=False)
class Volume:
    """A series, and the segmentations that belong to it."""

    uid: str
    series: ImageSeries
    segmentations: Sequence[Segmentation]


def by_series(images: Sequence[Header]) -> dict[str, list[Header]]:
    """Files by series instance UID, none of them twice.

    Raises:
        UserError: a file is there twice, or does not tell its series.
    """
    grouped: dict[str, list[Header]] = defaultdict(list)
    seen: dict[str, Path] = {}
    for header in images:
        instance, series = header.text("SOPInstanceUID"), header.text("SeriesInstanceUID")
        if not instance or not series:
            raise UserError(f"{header.path} does not tell which series it belongs to: replace it by an intact copy.")
        if instance in seen:
            raise UserError(f"{seen[instance]} and {header.path} are the same image twice: remove one of them.")
        seen[instance] = header.path
        grouped[series].append(header)
    return dict(grouped)


def segmented_volumes(grouped: SeriesHeaders, segmentations: Sequence[Segmentation]) -> list[Volume]:
    """The series that are segmented, in the order of their files.

    Raises:
        UserError: such a series is no volume, or a segmentation belongs to none of the series.
    """
    arranged: dict[str, ImageSeries] = {}
    members: dict[str, list[Segmentation]] = defaultdict(list)
    for one in segmentations:
        uid = one.series if one.series in grouped else _by_place(one, grouped)
        if uid not in arranged:
            arranged[uid] = arrange(grouped[uid])
        members[uid].append(one)
    return [Volume(uid, arranged[uid], members[uid]) for uid in grouped if uid in arranged]


def _by_place(one: Segmentation, grouped: SeriesHeaders) -> str:
    """The only series of the same frame of reference on whose grid all frames of a segmentation lie."""
    frame_of_reference = one.header.text("FrameOfReferenceUID")
    fitting = []
    for uid, headers in grouped.items():
        if not frame_of_reference or headers[0].text("FrameOfReferenceUID") != frame_of_reference:
            continue
        try:
            series = arrange(headers)
        except UserError:  # a localiser, or whatever else is no volume, cannot be what was segmented
            continue
        if lies_on(one, series):
            fitting.append((uid, series.path))
    if not fitting:
        raise UserError(
            f"{one.path} segments a series that is not here, nor lies on the grid of another: add it, or remove it."
        )
    if len(fitting) > 1:
        raise UserError(
            f"{one.path} refers to none of the series here and fits several, those of {fitting[0][1]} and {fitting[1][1]}: remove"
            " what it does not belong to."
        )
    return fitting[0][0]
