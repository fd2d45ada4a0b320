"""Where every frame of a DICOM file lies, and how its stored numbers become values.

DICOM PS3.3, C.7.6.2 (image plane) and C.7.6.16 (functional groups of multi-frame files). World coordinates are DICOM's: to
the left, to the back, upwards, in mm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.data.convert.dicom.files import Header
from segmint.data.convert.dicom.library import reading
from segmint.errors import UserError

_SQUARE = 1e-3
"""By how much two directions may fail to be of length 1 and at right angles: what rounding does."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One slice.

    Args:
        path: File.
        number: Of the frame in the file, from 0.
        instance: SOP instance UID of the file.
        shape: (columns, rows).
        origin: [3] mm, centre of the first pixel.
        columns: [3] mm from one column to the next.
        rows: [3] mm from one row to the next.
        thickness: mm from this slice to the next as the header says, 0 where it does not.
        slope: Values are slope * stored + intercept.
        intercept: In the unit of the values.
        segment: Segment number of a frame of a segmentation; None elsewhere.
    """

    path: Path
    number: int
    instance: str
    shape: tuple[int, int]
    origin: NDArray[np.float64]
    columns: NDArray[np.float64]
    rows: NDArray[np.float64]
    thickness: float
    slope: float = 1.0
    intercept: float = 0.0
    segment: int | None = None

    @property
    def spacing(self) -> NDArray[np.float64]:
        """[2] mm between columns, and between rows."""
        return np.array([np.linalg.norm(self.columns), np.linalg.norm(self.rows)])

    @property
    def directions(self) -> NDArray[np.float64]:
        """[2, 3] unit vectors along columns and rows."""
        return np.stack([self.columns, self.rows]) / self.spacing[:, None]

    @property
    def normal(self) -> NDArray[np.float64]:
        """[3] unit vector across the slice."""
        across = np.cross(*self.directions)
        return np.asarray(across / np.linalg.norm(across), dtype=np.float64)


def frames_of(header: Header) -> list[Frame]:
    """The frames of a file, of which most have one.

    Raises:
        UserError: the header does not tell where a frame lies, or what it tells is impossible.
    """
    with reading(header.path):
        attributes = header.attributes
        shared = _first(attributes.get("SharedFunctionalGroupsSequence"))
        groups = attributes.get("PerFrameFunctionalGroupsSequence") or []
        if not groups and int(attributes.get("NumberOfFrames") or 1) > 1:
            raise UserError(f"{header.path} does not tell where its frames lie: convert it to one file a slice.")
        if not groups:
            return [_frame(header, 0, _Attributes((attributes,)))]
        return [
            _frame(header, number, _Attributes(_macros(group, shared, attributes)))
            for number, group in enumerate(groups)
        ]


class _Attributes:
    """Attributes of one frame: of its own functional groups, else of those that all frames share, else of the file."""

    def __init__(self, places: Sequence[Any]) -> None:
        self._places = places

    def numbers(self, name: str, count: int) -> NDArray[np.float64] | None:
        """[count] values; None where they are absent."""
        value = self._value(name)
        if value is None:
            return None
        values = np.atleast_1d(np.asarray(value, dtype=np.float64))
        if values.shape != (count,) or not np.isfinite(values).all():
            raise ValueError(f"{name} is {value}")
        return values

    def number(self, name: str, default: float) -> float:
        values = self.numbers(name, 1)
        return default if values is None else float(values[0])

    def _value(self, name: str) -> Any:
        values = (place.get(name) for place in self._places)
        return next((value for value in values if value is not None and value != ""), None)


_MACROS = (
    "PlanePositionSequence",
    "PlaneOrientationSequence",
    "PixelMeasuresSequence",
    "PixelValueTransformationSequence",
    "SegmentIdentificationSequence",
)


def _macros(group: Any, shared: Any, attributes: Any) -> list[Any]:
    found = [_first(place.get(name)) for place in (group, shared) if place is not None for name in _MACROS]
    return [*(one for one in found if one is not None), attributes]


def _first(sequence: Any) -> Any:
    return sequence[0] if sequence else None


def _frame(header: Header, number: int, values: _Attributes) -> Frame:
    attributes, path = header.attributes, header.path
    position = values.numbers("ImagePositionPatient", 3)
    orientation = values.numbers("ImageOrientationPatient", 6)
    spacing = values.numbers("PixelSpacing", 2)
    if position is None or orientation is None or spacing is None:
        raise UserError(
            f"{path} does not tell where it lies in the patient (position, orientation and pixel spacing): only CT, MR and"
            " other slices that do can be put together."
        )
    along = orientation.reshape(2, 3)
    if not np.allclose(along @ along.T, np.eye(2), atol=_SQUARE) or not (spacing > 0).all():
        raise UserError(f"{path} tells an impossible orientation or spacing: mend its header.")
    shape = int(attributes.get("Columns")), int(attributes.get("Rows"))
    if min(shape) < 1:
        raise UserError(f"{path} has no pixels: replace it by an intact copy.")
    segment = values.numbers("ReferencedSegmentNumber", 1)
    return Frame(
        path=path,
        number=number,
        instance=header.text("SOPInstanceUID"),
        shape=shape,
        origin=position,
        # Pixel spacing has the distance between rows first.
        columns=along[0] * spacing[1],
        rows=along[1] * spacing[0],
        thickness=max(0.0, values.number("SpacingBetweenSlices", 0.0)) or values.number("SliceThickness", 0.0),
        slope=values.number("RescaleSlope", 1.0),
        intercept=values.number("RescaleIntercept", 0.0),
        segment=None if segment is None else int(segment[0]),
    )
