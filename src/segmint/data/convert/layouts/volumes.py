"""Contrasts and mask of one volume, on one grid, in their place in the world."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmint.data.convert.layouts.layout import Content
from segmint.data.convert.pictures import Picture, read_image, read_mask
from segmint.data.formats.format import AnyArray
from segmint.data.formats.mha import read_mha
from segmint.data.grid import distance_apart
from segmint.errors import UserError


def read_volume(images: Sequence[Path], mask: Path | None, values: Sequence[int]) -> Content:
    """The channels of some files, one after another, and the ids of a mask.

    Args:
        images: NIfTI, .mha, PNG or TIFF, all on the same grid.
        mask: On that grid too.
        values: Stored value of every id, such as (0, 1, 2, 4).

    Raises:
        UserError: a file is damaged, lies on another grid, or holds what is not finite, or the mask another value.
    """
    pictures = [_read(path) for path in images]
    for path, one in zip(images[1:], pictures[1:], strict=True):
        check_grid(path, one, images[0], pictures[0])
    first = pictures[0]
    label = None
    if mask is not None:
        picture = _read_mask(mask)
        check_grid(mask, picture, images[0], first)
        label = consecutive(mask, picture.channels[0], values)
    channels = np.concatenate([one.channels for one in pictures])
    return Content(_stored(images[0], channels), label, spacing=first.spacing, affine=first.affine)


def check_grid(path: Path, picture: Picture, first_path: Path, first: Picture) -> None:
    """Raises:
    UserError: two volumes differ in shape, or in their place in the world.
    """
    shape, expected = picture.channels.shape[1:], first.channels.shape[1:]
    if shape != expected:
        written = [" x ".join(map(str, one)) for one in (shape, expected)]
        raise UserError(
            f"{path} has the shape {written[0]} but {first_path} has {written[1]}: resample it onto the same grid."
        )
    if picture.affine is None or first.affine is None:
        return
    moved = distance_apart(shape, picture.affine, first.affine)
    if moved is not None:
        raise UserError(
            f"{path} lies {moved:.3g} mm away from {first_path} according to their headers: resample it onto the same "
            "grid, or mend its header."
        )


def consecutive(path: Path, stored: AnyArray, values: Sequence[int]) -> NDArray[np.uint8]:
    """[*spatial] ids from stored values.

    Raises:
        UserError: a value is none of the layout's.
    """
    ids = np.zeros(stored.shape, dtype=np.uint8)
    known = np.zeros(stored.shape, dtype=np.bool_)
    for number, value in enumerate(values):
        here = stored == value
        ids[here] = number
        known |= here
    if not known.all():
        listed = ", ".join(map(str, values))
        raise UserError(f"{path} holds the value {stored[~known][0]:g}, but its labels are {listed}: mend the mask.")
    return ids


def _read(path: Path) -> Picture:
    if path.name.lower().endswith(".mha"):
        channels, geometry = read_mha(path)
        picture = Picture(channels, geometry.spacing, geometry.affine)
    else:
        picture = read_image(path)
    if picture.channels.dtype.kind == "f" and not np.isfinite(picture.channels).all():
        raise UserError(
            f"{path} holds intensities that are NaN or infinite: replace them by a number, such as the background's."
        )
    return picture


def _read_mask(path: Path) -> Picture:
    """One channel of whole numbers."""
    if path.name.lower().endswith((".mha", ".nii", ".nii.gz")):
        picture = _read(path)
        if picture.channels.shape[0] != 1:
            raise UserError(f"{path} is 4-D: a label map has one value a voxel.")
        return picture
    return Picture(read_mask(path).values[None])


def _stored(path: Path, channels: AnyArray) -> AnyArray:
    """The same values in a type that every viewer opens: 64-bit integers become 32-bit."""
    if channels.dtype.kind not in "iu" or channels.dtype.itemsize < 8:
        return channels
    limits = np.iinfo(np.int32)
    if channels.min() < limits.min or channels.max() > limits.max:
        raise UserError(f"{path} holds integers beyond 32 bits: save it with smaller numbers.")
    return channels.astype(np.int32)
