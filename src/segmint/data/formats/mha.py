"""MetaImage (`.mha`), which some datasets come in, read through SimpleITK."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from segmint.data.formats.format import AnyArray, Geometry, reason
from segmint.errors import UserError

_HEADER_BYTES = 16384
_RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read_mha(path: Path) -> tuple[AnyArray, Geometry]:
    """[1, x, y, z] in the stored type, axes and affine as nibabel would give them for the same volume (RAS, mm).

    Raises:
        UserError: SimpleITK is not installed, or the file is missing, damaged, or no 3-D volume of one number a voxel.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist.")
    library = _simpleitk(path)
    with path.open("rb") as handle:
        header = handle.read(_HEADER_BYTES)
    # A header may point to any other file on the disk instead of the voxels that follow it.
    if b"ElementDataFile = LOCAL" not in header:
        raise UserError(f"{path} is damaged or keeps its voxels in another file: replace it by an intact .mha file.")
    try:
        image = library.ReadImage(str(path), imageIO="MetaImageIO")
    except RuntimeError as error:
        complaint = reason(error).rpartition("ERROR: ")[2]
        raise UserError(f"{path} is damaged or not a .mha file ({complaint}): replace it by an intact copy.") from error
    shape = tuple(int(side) for side in image.GetSize())
    if len(shape) != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise UserError(f"{path} is not a 3-D volume with one number a voxel: restore the original.")
    values = np.ascontiguousarray(library.GetArrayFromImage(image).transpose())
    spacing = tuple(float(one) for one in image.GetSpacing())
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.asarray(spacing)
    affine[:3, 3] = image.GetOrigin()
    return values[None], Geometry(shape, 1, values.dtype, spacing, _RAS_FROM_LPS @ affine)


def _simpleitk(path: Path) -> Any:
    try:
        return importlib.import_module("SimpleITK")
    except ImportError as error:
        raise UserError(f"Reading {path} needs SimpleITK: install it with pip install 'segmint[itk]'.") from error
