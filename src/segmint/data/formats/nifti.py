"""NIfTI: 2-D and 3-D volumes (and 4-D with channels last), through nibabel, affine kept."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from segmint.data.formats.format import AnyArray, Geometry, reason
from segmint.errors import UserError

DAMAGED = (
    ImageFileError,
    HeaderDataError,
    WrapStructError,
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    zlib.error,
    struct.error,
    OverflowError,
)
_LARGE_HEADER = 540


class Nifti:
    """`.nii` and `.nii.gz`. Arrays keep nibabel's axis order; scale factors of the header are applied."""

    endings: tuple[str, ...] = (".nii.gz", ".nii")
    dimensions = frozenset({2, 3})
    holds_float = True

    def geometry(self, path: Path) -> Geometry:
        if not path.is_file():
            raise UserError(f"{path} does not exist.")
        try:
            return _geometry(path, nibabel.load(path))
        except DAMAGED as error:
            raise damaged(path, error) from error

    def read_image(self, path: Path) -> AnyArray:
        values, shape = _read(path)
        if values.ndim == len(shape) + 1:
            return np.ascontiguousarray(np.moveaxis(values, -1, 0))
        return values.reshape(1, *shape)

    def read_label(self, path: Path) -> AnyArray:
        values, shape = _read(path)
        if values.ndim != len(shape):
            raise UserError(f"{path} is 4-D: a label map has one value a voxel.")
        if values.dtype.kind == "f":
            rounded = np.round(values)
            if not np.array_equal(values, rounded):
                raise UserError(
                    f"{path} holds values that are not whole numbers: a label map holds the ids 0, 1, 2, ..."
                )
            return np.asarray(rounded).astype(np.int64).reshape(shape)
        return values.reshape(shape)

    def write_image(
        self, path: Path, image: AnyArray, *, spacing: tuple[float, ...] | None, affine: NDArray[np.float64] | None
    ) -> None:
        if image.shape[0] != 1:
            raise ValueError(f"NIfTI holds one channel a file, not {image.shape[0]}")
        _write(path, image[0], spacing=spacing, affine=affine)

    def write_label(
        self, path: Path, label: AnyArray, *, spacing: tuple[float, ...] | None, affine: NDArray[np.float64] | None
    ) -> None:
        _write(path, label.astype(np.uint8, casting="unsafe"), spacing=spacing, affine=affine)


def slice_affine(affine: NDArray[np.float64], *, axis: int, index: int) -> NDArray[np.float64]:
    """Affine of one slice stored as [h, w, 1]: the two other axes in their order, the slice axis last.

    Args:
        affine: [4, 4] of the volume.
        axis: Axis the slice was taken along.
        index: Its number along that axis.
    """
    in_plane = [other for other in range(3) if other != axis]
    moved = np.array(affine, dtype=np.float64)
    moved[:, :3] = affine[:, [*in_plane, axis]]
    moved[:3, 3] = affine[:3, 3] + index * affine[:3, axis]
    return moved


def read_content(path: Path) -> bytes:
    """The whole file, decompressed.

    Raises:
        UserError: it is missing, or its compression is damaged.
    """
    try:
        content = path.read_bytes()
        # Decompressing all of it checks length and checksum, which reading just enough bytes would not.
        return gzip.decompress(content) if path.name.lower().endswith(".gz") else content
    except DAMAGED as error:
        raise damaged(path, error) from error


def is_nifti_2(content: bytes) -> bool:
    """Whether a file is NIfTI-2, by the size that its header says it has."""
    sizes = struct.unpack("<i", content[:4]) + struct.unpack(">i", content[:4]) if len(content) >= 4 else ()
    return _LARGE_HEADER in sizes


def _read(path: Path) -> tuple[AnyArray, tuple[int, ...]]:
    """Values in the stored type (float where the header scales) and the spatial shape."""
    try:
        content = read_content(path)
        image: Any = (nibabel.Nifti2Image if is_nifti_2(content) else nibabel.Nifti1Image).from_bytes(content)
        shape = _geometry(path, image).shape
        return np.asanyarray(image.dataobj), shape
    except DAMAGED as error:
        raise damaged(path, error) from error


def _geometry(path: Path, image: Any) -> Geometry:
    if not isinstance(image, nibabel.Nifti1Image | nibabel.Nifti2Image):
        raise UserError(f"{path} is not a NIfTI file.")
    shape = tuple(int(side) for side in image.shape)
    dtype = np.dtype(image.get_data_dtype())
    if dtype.kind not in "uif":
        raise UserError(f"{path} holds values of type {dtype}: save it with one real number a voxel.")
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) not in (2, 3, 4) or 0 in shape:
        raise UserError(f"{path} has the shape {shape}: only 2-D and 3-D images can be read.")
    spatial = shape[:3]
    spacing = tuple(float(zoom) if zoom > 0 else 1.0 for zoom in image.header.get_zooms()[: len(spatial)])
    affine = np.asarray(image.affine, dtype=np.float64)
    return Geometry(spatial, shape[3] if len(shape) == 4 else 1, dtype, spacing, affine)


def _write(
    path: Path, array: AnyArray, *, spacing: tuple[float, ...] | None, affine: NDArray[np.float64] | None
) -> None:
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    stored = array[..., None] if array.ndim == 2 else array
    if affine is None:
        zooms = (*(spacing or ()), 1.0, 1.0, 1.0)[:3]
        affine = np.diag([*zooms, 1.0])
    image = nibabel.Nifti1Image(np.asarray(stored), affine)
    image.header.set_xyzt_units("mm")
    content = image.to_bytes()
    # A fixed time stamp: equal voxels make equal files.
    path.write_bytes(gzip.compress(content, compresslevel=5, mtime=0) if path.name.lower().endswith(".gz") else content)


def damaged(path: Path, error: Exception) -> UserError:
    if isinstance(error, FileNotFoundError):
        return UserError(f"{path} does not exist.")
    return UserError(f"{path} is damaged or not a NIfTI file ({reason(error)}): replace it by an intact copy.")
