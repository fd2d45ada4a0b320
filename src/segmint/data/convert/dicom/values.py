"""The voxels of a series in the unit of its modality: Hounsfield units for CT."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from segmint.data.convert.dicom.frames import Frame
from segmint.data.convert.dicom.library import opened, pydicom_for, reading
from segmint.data.convert.dicom.series import ImageSeries
from segmint.data.formats.format import AnyArray
from segmint.data.formats.memory import FLOAT32, check_memory
from segmint.errors import UserError

_VOLUME = 2 * 4
"""Bytes of a value while a volume is put together, and brought to a smaller type."""
PHYSICAL = ("CT", "PT")
"""Modalities whose numbers are physical: how a viewer shows them does not change them."""


def read_values(series: ImageSeries) -> AnyArray:
    """[columns, rows, slices]: slope and intercept applied, greys that are stored inverted turned.

    Whole numbers stay whole (int16, or int32 where they need it), others become float32.

    Raises:
        UserError: a file is damaged, or compressed in a way that cannot be read.
    """
    lowest, highest = _range(series)
    turned = lowest + highest if is_inverted(series) else None
    kind = _kind(series, lowest, highest)
    _check_memory(series)
    volume = np.empty(series.shape, dtype=kind)
    wanted: dict[Path, list[tuple[int, Frame]]] = defaultdict(list)
    for number, frame in enumerate(series.frames):
        wanted[frame.path].append((number, frame))
    for path, members in wanted.items():
        frames = stored_frames(path, [frame.number for _, frame in members])
        for (number, frame), stored in zip(members, frames, strict=True):
            if stored.shape != frame.shape[::-1]:
                raise UserError(f"{path} holds other pixels than its header tells: replace it by an intact copy.")
            values = stored.astype(np.float64)
            if turned is not None:
                values = turned - values
            volume[..., number] = (values * frame.slope + frame.intercept).T.astype(kind)
    limits = np.iinfo(np.int16)
    fits = kind == np.int32 and volume.min() >= limits.min and volume.max() <= limits.max
    return volume.astype(np.int16) if fits else volume


def _check_memory(series: ImageSeries) -> None:
    """Files of many frames are held whole, and their frames beside them; of one slice there is little."""
    files = {frame.path for frame in series.frames}
    stored = -(-int(series.headers[0].attributes.BitsAllocated) // 8)
    whole = 2 * stored if len(files) < len(series.frames) else 0
    check_memory(series.path, series.shape, bytes_a_value=_VOLUME + whole + FLOAT32)


def is_inverted(series: ImageSeries) -> bool:
    """Low stored numbers are bright, and the numbers are greys rather than a physical quantity."""
    first = series.headers[0]
    return first.text("PhotometricInterpretation") == "MONOCHROME1" and first.text("Modality") not in PHYSICAL


def _range(series: ImageSeries) -> tuple[float, float]:
    """Lowest and highest number that the files can store."""
    first = series.headers[0].attributes
    bits, signed = int(first.BitsStored), bool(first.PixelRepresentation)
    return (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) if signed else (0.0, 2.0**bits - 1)


def _kind(series: ImageSeries, lowest: float, highest: float) -> type[np.int32] | type[np.float32]:
    """Integers, where slopes and intercepts are whole and no value can leave 32 bits."""
    limits = np.iinfo(np.int32)
    for slope, intercept in {(frame.slope, frame.intercept) for frame in series.frames}:
        ends = [slope * end + intercept for end in (lowest, highest)]
        if not (slope.is_integer() and intercept.is_integer() and min(ends) >= limits.min and max(ends) <= limits.max):
            return np.float32
    return np.int32


def stored_frames(path: Path, numbers: list[int]) -> list[AnyArray]:
    """[rows, columns] stored numbers of some frames of a file, in the order asked for.

    Raises:
        UserError: the file is damaged, or compressed in a way that needs a further package.
    """
    pixels = pydicom_for(path, module="pydicom.pixels")
    with reading(path), opened(path) as handle:
        try:
            dataset = pydicom_for(path).dcmread(handle)
            found = dict(zip(numbers, pixels.iter_pixels(dataset, indices=numbers), strict=True))
        except RuntimeError as error:
            if "plugins" not in str(error) and "decompress" not in str(error):
                raise
            raise UserError(
                f"{path} is compressed in a way that cannot be read here: decompress it first, for instance with gdcmconv --raw."
            ) from error
    return [found[number] for number in numbers]
