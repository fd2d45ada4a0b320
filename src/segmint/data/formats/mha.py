"""MetaImage (`.mha`), which some datasets come in, read through SimpleITK."""

from __future__ import annotations

import importlib
import re
import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from segmint.data.formats.format import AnyArray, Geometry, reason
from segmint.data.formats.memory import FLOAT32, check_memory
from segmint.data.formats.mha_header import header_of
from segmint.data.formats.native_remarks import without_native_remarks
from segmint.errors import UserError

_LARGEST_VALUE = 8
_BYTES = {"Int8": 1, "UInt8": 1, "Int16": 2, "UInt16": 2, "Int32": 4, "UInt32": 4, "Float32": 4}
_PACKED = re.compile(rb"CompressedData\s*[=:]\s*[Tt1]")
_PACKED_SIZE = re.compile(rb"CompressedDataSize\s*[=:]\s*(\d+)")
_SHORT = "it ends before its voxels do"
_RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read_mha(path: Path) -> tuple[AnyArray, Geometry]:
    """[1, x, y, z] in the stored type, axes and affine as nibabel would give them for the same volume (RAS, mm).

    Raises:
        UserError: SimpleITK is not installed, or the file is missing, damaged, or no 3-D volume of one number a voxel.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist.")
    library = _simpleitk(path)
    header = header_of(path)
    try:
        with without_native_remarks():
            reader = library.ImageFileReader()
            reader.SetImageIO("MetaImageIO")
            reader.SetFileName(str(path))
            reader.ReadImageInformation()
            shape = tuple(int(side) for side in reader.GetSize())
            if len(shape) != 3 or reader.GetNumberOfComponents() != 1:
                raise UserError(f"{path} is not a 3-D volume with one number a voxel: restore the original.")
            check_memory(path, shape, bytes_a_value=2 * _LARGEST_VALUE + FLOAT32)
            voxels = _unpacked(path, header, library, reader)
            image = reader.Execute()
        array = library.GetArrayFromImage(image)
        _check_same(voxels, array)
    except (RuntimeError, ValueError, OverflowError, zlib.error) as error:
        complaint = reason(error).rpartition("ERROR: ")[2]
        raise UserError(f"{path} is damaged or not a .mha file ({complaint}): replace it by an intact copy.") from error
    values = np.ascontiguousarray(array.transpose())
    spacing = tuple(float(one) for one in image.GetSpacing())
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.asarray(spacing)
    affine[:3, 3] = image.GetOrigin()
    if not np.isfinite(affine).all() or min(spacing) <= 0:
        raise UserError(f"{path} has a place or spacing that is impossible: mend its header.")
    return values[None], Geometry(shape, 1, values.dtype, spacing, _RAS_FROM_LPS @ affine)


def _unpacked(path: Path, header: bytes, library: Any, reader: Any) -> bytes | None:
    """The bytes of packed voxels; None where they are not packed.

    Where the header says more than the file holds, or packed voxels are damaged, MetaIO gives back memory as it happens to be.

    Raises:
        ValueError: the voxels are not all there.
        zlib.error: they are packed, and damaged.
    """
    sizes = {getattr(library, f"sitk{name}"): size for name, size in _BYTES.items()}
    needed = prod(reader.GetSize()) * sizes.get(reader.GetPixelIDValue(), _LARGEST_VALUE)
    held = path.stat().st_size - len(header)
    if _PACKED.search(header) is None:
        if held < needed:
            raise ValueError(_SHORT)
        return None
    size = _PACKED_SIZE.search(header)
    length = held if size is None else int(size[1])
    if length > held:
        raise ValueError(_SHORT)
    with path.open("rb") as handle:
        handle.seek(len(header))
        packed = handle.read(length)
    # zlib or gzip; one byte more than there should be, and the end with its checksum must have been met.
    stream = zlib.decompressobj(zlib.MAX_WBITS | 32)
    voxels = stream.decompress(packed, needed + 1)
    if not stream.eof or len(voxels) != needed:
        raise ValueError(_SHORT)
    return voxels


def _check_same(voxels: bytes | None, array: AnyArray) -> None:
    """Packed voxels as unpacked here, against those that MetaIO gave, in either order of bytes."""
    if voxels is not None and voxels not in (array.tobytes(), array.byteswap().tobytes()):
        raise ValueError("its packed voxels cannot be found where its header says")


def _simpleitk(path: Path) -> Any:
    try:
        return importlib.import_module("SimpleITK")
    except ImportError as error:
        raise UserError(f"Reading {path} needs SimpleITK: install it with pip install 'segmint[itk]'.") from error
