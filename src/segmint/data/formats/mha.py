"""MetaImage (`.mha`), which some datasets come in.

Read here and not by ITK: of damaged headers and packed voxels its library gives memory as it happens to be, or ends the process.
"""

from __future__ import annotations

import zlib
from math import prod
from pathlib import Path

import numpy as np

from segmint.data.formats.format import AnyArray, Geometry
from segmint.data.formats.memory import FLOAT32, check_memory
from segmint.data.formats.mha_header import Header, Unreadable, read_header
from segmint.errors import UserError

_SHORT = "it ends before its voxels do"
_RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read_mha(path: Path) -> tuple[AnyArray, Geometry]:
    """[1, x, y, z] in the stored type, axes and affine as nibabel would give them for the same volume (RAS, mm).

    Raises:
        UserError: the file is missing, damaged, or no 3-D volume of one number a voxel, or reading it takes too much memory.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist.")
    try:
        header = read_header(path)
        # What is stored, once as bytes and once as voxels.
        check_memory(path, header.shape, bytes_a_value=2 * header.dtype.itemsize + FLOAT32)
        voxels = np.frombuffer(_voxels(path, header), header.dtype)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from error
    except (Unreadable, zlib.error) as error:
        raise UserError(
            f"{path} is damaged or not a 3-D .mha volume ({error}): replace it by an intact copy."
        ) from error
    turned = voxels.reshape(header.shape[::-1]).transpose()
    values = np.ascontiguousarray(turned, dtype=header.dtype.newbyteorder("="))
    affine = np.eye(4)
    affine[:3, :3] = header.directions * header.spacing
    affine[:3, 3] = header.origin
    return values[None], Geometry(header.shape, 1, values.dtype, header.spacing, _RAS_FROM_LPS @ affine)


def _voxels(path: Path, header: Header) -> bytes:
    """Exactly the bytes of all voxels, unpacked.

    Raises:
        Unreadable: they are not all there.
        zlib.error: they are packed, and damaged.
    """
    needed, size = prod(header.shape) * header.dtype.itemsize, path.stat().st_size
    if not needed:
        raise Unreadable("it has no voxels")
    length = needed if not header.packed else header.packed_bytes
    start = header.voxels_at
    if start is None:
        if length is None:
            raise Unreadable("where its voxels begin is not said")
        start = size - length
    if length is None:
        length = size - start
    if start < 0 or start + length > size:
        raise Unreadable(_SHORT)
    # Packed, no volume takes much more than its voxels do.
    check_memory(path, (length,), bytes_a_value=1)
    with path.open("rb") as handle:
        handle.seek(start)
        stored = handle.read(length)
    if not header.packed:
        return stored
    # zlib or gzip; one byte more than there should be, and the end with its checksum must have been met.
    stream = zlib.decompressobj(zlib.MAX_WBITS | 32)
    voxels = stream.decompress(stored, needed + 1)
    if not stream.eof or len(voxels) != needed:
        raise Unreadable(_SHORT)
    return voxels
