"""One series of slices as one volume: in order, complete, on one grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmint.data.convert.dicom.files import Header
from segmint.data.convert.dicom.frames import Frame, frames_of
from segmint.errors import UserError

_DIRECTION, _SPACING = 1e-3, 1e-3
"""Differences of orientation (cosines) and of pixel spacing (relative) within a series that rounding explains."""
_OFF_GRID = 0.1
"""Distance of a slice from its place on a regular grid, in steps of that grid or in pixels, that rounding explains."""
_TILT = 2e-3
"""Sine of the angle between the normal and the way from slice to slice that rounding explains."""
_RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_COLOURS = ("RGB", "YBR", "PALETTE")


@dataclass(frozen=True, eq=False)
class ImageSeries:
    """A volume whose array axes are columns, rows and slices.

    Args:
        headers: Its files.
        frames: Its slices, in order along their normal.
        step: [3] mm from one slice to the next.
    """

    headers: Sequence[Header]
    frames: Sequence[Frame]
    step: NDArray[np.float64]

    @property
    def path(self) -> Path:
        """The file of its first slice."""
        return self.frames[0].path

    @property
    def shape(self) -> tuple[int, int, int]:
        """(columns, rows, slices)."""
        return (*self.frames[0].shape, len(self.frames))

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Millimetres per array axis."""
        across, down = self.frames[0].spacing
        return float(across), float(down), float(np.linalg.norm(self.step))

    @property
    def dicom_affine(self) -> NDArray[np.float64]:
        """[4, 4] from array indices to DICOM's world (left, back, up)."""
        first = self.frames[0]
        affine = np.eye(4)
        affine[:3] = np.stack([first.columns, first.rows, self.step, first.origin], axis=1)
        return affine

    @property
    def affine(self) -> NDArray[np.float64]:
        """[4, 4] from array indices to NIfTI's world (right, front, up)."""
        return np.asarray(_RAS_FROM_LPS @ self.dicom_affine, dtype=np.float64)


def arrange(headers: Sequence[Header]) -> ImageSeries:
    """Put the files of one series in order along the normal of their slices, whatever their names and numbers.

    Raises:
        UserError: colours, slices of several modalities, sizes, spacings or orientations, a slice that is there twice or
            missing, or slices that are shifted against one another, as those of a tilted gantry are.
    """
    first = headers[0]
    for header in headers:
        _refuse_colour(header)
        _refuse_mixed(header, first)
    frames = [frame for header in headers for frame in frames_of(header)]
    for frame in frames[1:]:
        _refuse_other_grid(frame, frames[0])
    normal = frames[0].normal
    frames.sort(key=lambda frame: float(frame.origin @ normal))
    return ImageSeries(tuple(headers), tuple(frames), _step(frames, normal))


def _refuse_colour(header: Header) -> None:
    kind = header.text("PhotometricInterpretation")
    if kind.startswith(_COLOURS) or (header.text("SamplesPerPixel") or "1") != "1":
        raise UserError(
            f"{header.path} is a colour picture ({kind}): only grey slices can be put together to a volume."
        )
    bits = [header.text(name) for name in ("BitsAllocated", "BitsStored")]
    told = header.text("PixelRepresentation") in ("0", "1") and all(one.isdecimal() and int(one) > 0 for one in bits)
    if kind not in ("MONOCHROME1", "MONOCHROME2") or not told:
        raise UserError(f"{header.path} does not tell how its pixels are to be read: replace it by an intact copy.")
    if header.attributes.get("ModalityLUTSequence"):
        raise UserError(f"{header.path} maps its values by a table: only slope and intercept can be read.")


def _refuse_mixed(header: Header, first: Header) -> None:
    for name, what in (
        ("Modality", "modality"),
        ("FrameOfReferenceUID", "frame of reference"),
        ("PhotometricInterpretation", "photometric interpretation"),
        ("BitsAllocated", "number of bits"),
        ("BitsStored", "number of bits"),
        ("PixelRepresentation", "sign"),
    ):
        if header.text(name) != first.text(name):
            raise UserError(
                f"{header.path} and {first.path} are of one series but differ in {what} ({header.text(name) or 'none'}, "
                f"{first.text(name) or 'none'}): remove what does not belong there."
            )


def _refuse_other_grid(frame: Frame, first: Frame) -> None:
    what = ""
    if frame.shape != first.shape:
        sizes = [" x ".join(map(str, one.shape)) for one in (frame, first)]
        what = f"size ({sizes[0]}, {sizes[1]})"
    elif not np.allclose(frame.spacing, first.spacing, rtol=_SPACING, atol=0):
        written = [" x ".join(f"{length:.4g}" for length in one.spacing) for one in (frame, first)]
        what = f"pixel spacing ({written[0]}, {written[1]} mm)"
    elif not np.allclose(frame.directions, first.directions, rtol=0, atol=_DIRECTION):
        what = "orientation"
    if what:
        raise UserError(
            f"{_named(frame)} and {_named(first)} are of one series but differ in {what}: remove what does not belong to the "
            "volume, such as a localiser."
        )


def _step(frames: Sequence[Frame], normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """[3] mm from one slice to the next, if all of them are the same step apart, along the normal."""
    if len(frames) == 1:
        return normal * (frames[0].thickness if frames[0].thickness > 0 else 1.0)
    places = np.array([float(frame.origin @ normal) for frame in frames])
    gaps = np.diff(places)
    usual = float(np.median(gaps))
    for number, gap in enumerate(gaps):
        below, above = _named(frames[number]), _named(frames[number + 1])
        if gap < _OFF_GRID * usual or gap <= 0:
            raise UserError(
                f"{below} and {above} lie in the same place, {places[number]:.2f} mm along the normal: keep one slice for "
                "each place, and separate echoes, phases and copies."
            )
    missing = [number for number, gap in enumerate(gaps) if gap > 1.5 * usual]
    if missing:
        number = missing[0]
        lacking = max(1, round(gaps[number] / usual) - 1)
        what = "A slice is" if lacking == 1 else f"{lacking} slices are"
        more = f" (and at {len(missing) - 1} more places)" if len(missing) > 1 else ""
        raise UserError(
            f"{what} missing between {_named(frames[number])} and {_named(frames[number + 1])}{more}: they lie "
            f"{gaps[number]:.2f} mm apart, others {usual:.2f} mm; restore what is missing."
        )
    ends = frames[-1].origin - frames[0].origin
    step = np.asarray(ends / (len(frames) - 1), dtype=np.float64)
    origins = np.array([frame.origin for frame in frames])
    off = origins - (frames[0].origin + np.arange(len(frames))[:, None] * step)
    uneven = np.abs(off @ normal)
    worst = int(uneven.argmax())
    if uneven[worst] > _OFF_GRID * usual:
        raise UserError(
            f"The slices around {_named(frames[worst])} are unevenly spaced ({gaps.min():.2f} to {gaps.max():.2f} mm): resample"
            " the series to even steps, or restore what is missing."
        )
    aside = float(np.linalg.norm(ends - (ends @ normal) * normal))
    bent = float(np.linalg.norm(off, axis=1).max())
    if aside > _TILT * np.linalg.norm(ends) or bent > _OFF_GRID * frames[0].spacing.max():
        raise UserError(
            f"The slices of {_named(frames[0])} and {_named(frames[-1])} are shifted against one another by {aside:.2f} mm, as"
            " under a tilted gantry: resample the series to a straight volume."
        )
    return step


def _named(frame: Frame) -> str:
    return str(frame.path) if frame.number == 0 else f"{frame.path} (frame {frame.number + 1})"
