"""NIfTI: 2-D and 3-D volumes (and 4-D with channels last), through nibabel, affine kept."""

from __future__ import annotations

import gzip
import logging
import struct
import zlib
from io import BytesIO
from math import prod
from pathlib import Path
from typing import IO, Any, cast

import nibabel
import numpy as np
from nibabel.arrayproxy import ArrayProxy
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from segmint.data.formats.format import AnyArray, Geometry, reason
from segmint.data.formats.memory import FLOAT32, MOST_DEFLATED, check_memory, memory_limit, too_long
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
# What it remarks of odd headers is told in one sentence here, or is of no consequence.
logging.getLogger("nibabel.global").setLevel(logging.CRITICAL)
_LARGE_HEADER = 540
_PART = 1 << 20
_MILLIMETRES = {"meter": 1000.0, "mm": 1.0, "micron": 0.001}


class Nifti:
    """`.nii` and `.nii.gz`. Arrays keep nibabel's axis order; scale factors and units of the header are applied."""

    endings: tuple[str, ...] = (".nii.gz", ".nii")
    dimensions = frozenset({2, 3})
    holds_float = True

    def geometry(self, path: Path) -> Geometry:
        if not path.is_file():
            raise UserError(f"{path} does not exist.")
        try:
            with _opened(path) as handle:
                return _geometry(path, _header(path, handle.read(_LARGE_HEADER)))
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
    """Header and voxels, decompressed; what follows them is checked and left out.

    Raises:
        UserError: the file is missing, its compression is damaged, it ends too early, or it is too large.
    """
    try:
        with _opened(path) as handle:
            header = _header(path, handle.read(_LARGE_HEADER))
            _geometry(path, header)
            _check_memory(path, header)
            offset = int(header.get_data_offset())
            if offset < len(header.binaryblock):
                raise ValueError("its voxels would begin within its header")
            needed = offset + _voxel_bytes(header)
            packed = MOST_DEFLATED if path.name.lower().endswith(".gz") else 1
            # The header may say anything: no memory is taken for what the file cannot hold.
            if path.stat().st_size * packed >= needed:
                handle.seek(0)
                content = handle.read(needed)
                if len(content) == needed:
                    _read_to_the_end(path, handle, needed)
                    return content
            raise ValueError("it ends before its voxels do")
    except DAMAGED as error:
        raise damaged(path, error) from error


def _read_to_the_end(path: Path, handle: IO[bytes], length: int) -> None:
    """Length and checksum of compressed files come last."""
    while part := handle.read(_PART):
        length += len(part)
        if length > memory_limit():
            raise too_long(path)


def _voxel_bytes(header: Any) -> int:
    return int(prod(header.get_data_shape()) * np.dtype(header.get_data_dtype()).itemsize)


def _opened(path: Path) -> IO[bytes]:
    packed = path.name.lower().endswith(".gz")
    return cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")


def _header(path: Path, start: bytes) -> Any:
    """nibabel's header of the first bytes of a file; extensions are not read."""
    kind: Any = nibabel.Nifti2Header if is_nifti_2(start) else nibabel.Nifti1Header
    header = kind(start[: len(kind().binaryblock)])
    if header["magic"].item() not in (b"n+1", b"n+2"):
        raise UserError(f"{path} is not a NIfTI file of one piece: save header and voxels as one .nii or .nii.gz.")
    return header


def _check_memory(path: Path, header: Any) -> None:
    dtype = np.dtype(header.get_data_dtype())
    scaled = np.dtype(np.float64).itemsize if header.get_slope_inter() not in ((None, None), (1.0, 0.0)) else 0
    check_memory(path, header.get_data_shape(), bytes_a_value=2 * dtype.itemsize + scaled + FLOAT32)


def is_nifti_2(content: bytes) -> bool:
    """Whether a file is NIfTI-2, by the size that its header says it has."""
    sizes = struct.unpack("<i", content[:4]) + struct.unpack(">i", content[:4]) if len(content) >= 4 else ()
    return _LARGE_HEADER in sizes


def _read(path: Path) -> tuple[AnyArray, tuple[int, ...]]:
    """Values in the stored type (float where the header scales) and the spatial shape."""
    content = read_content(path)
    try:
        header = _header(path, content[:_LARGE_HEADER])
        shape = _geometry(path, header).shape
        return np.asanyarray(ArrayProxy(BytesIO(content), header)), shape
    except DAMAGED as error:
        raise damaged(path, error) from error


def _geometry(path: Path, header: Any) -> Geometry:
    shape = tuple(int(side) for side in header.get_data_shape())
    dtype = np.dtype(header.get_data_dtype())
    if dtype.kind not in "uif":
        raise UserError(f"{path} holds values of type {dtype}: save it with one real number a voxel.")
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) not in (2, 3, 4) or min(shape) < 1:
        raise UserError(f"{path} has the shape {shape}: only 2-D and 3-D images can be read.")
    spatial = shape[:3]
    unit = _MILLIMETRES.get(header.get_xyzt_units()[0], 1.0)
    spacing = tuple(float(zoom) * unit if zoom > 0 else 1.0 for zoom in header.get_zooms()[: len(spatial)])
    affine = np.array(header.get_best_affine(), dtype=np.float64)
    affine[:3] *= unit
    if not np.isfinite(affine).all() or not np.isfinite(spacing).all():
        raise UserError(f"{path} has a place or spacing that is no number: mend its header.")
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
