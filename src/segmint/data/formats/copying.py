"""Copies of image files, voxel for voxel, without what a NIfTI header says beside geometry and intensity."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from segmint.data.formats.nifti import DAMAGED, Nifti, damaged, is_nifti_2, read_content

_TEXTS = ("data_type", "db_name", "descrip", "aux_file", "intent_name")
"""Free text of NIfTI-1 and NIfTI-2 headers (nifti1.h, nifti2.h): scanners and anonymisers leave names and dates there."""


def copy_image(source: Path, target: Path) -> None:
    """Copy an image or a label map; of NIfTI, texts are blanked and extensions left out.

    Raises:
        UserError: a NIfTI file is damaged.
    """
    if not source.name.lower().endswith(Nifti.endings):
        shutil.copyfile(source, target)
        return
    _copy_nifti(source, target, lambda _, voxels: voxels)


def copy_channel(
    source: Path, target: Path, *, channel: int, shape: tuple[int, ...], affine: NDArray[np.float64] | None
) -> None:
    """Copy one channel of an image, or a label map, as a volume of its own; of other formats than NIfTI the whole file.

    Args:
        source: NIfTI where `target` is.
        channel: Number of the channel; 0 of a label map.
        shape: Of the copy, up to three axes: that of the stored volume, but for axes of one voxel.
        affine: [4, 4] of the copy in millimetres; None leaves the place that the header tells.

    Raises:
        UserError: a NIfTI file is damaged.
    """
    if not target.name.lower().endswith(Nifti.endings):
        shutil.copyfile(source, target)
        return

    def reshape(header: Any, voxels: bytes) -> bytes:
        header.set_data_shape(shape)
        if affine is not None:
            header.set_xyzt_units("mm")
            header.set_qform(affine, code="unknown")
            header.set_sform(affine, code="aligned")
        # The first axis is the fastest: axes of one voxel change nothing, and channels follow one another.
        size = prod(shape) * int(header.get_data_dtype().itemsize)
        return voxels[channel * size : (channel + 1) * size]

    _copy_nifti(source, target, reshape)


def _copy_nifti(source: Path, target: Path, change: Callable[[Any, bytes], bytes]) -> None:
    """Copy without texts and extensions; `change` may change the header, and gives the voxels to be written."""
    content = read_content(source)
    try:
        kind: Any = nibabel.Nifti2Header if is_nifti_2(content) else nibabel.Nifti1Header
        size = len(kind().binaryblock)
        header = kind(content[:size])
        voxels = change(header, content[int(header["vox_offset"]) :])
        for name in _TEXTS:
            if name in header:
                header[name] = b""
        # Four bytes after the header tell whether extensions follow: none do.
        header["vox_offset"] = size + 4
        cleared = header.binaryblock + bytes(4) + voxels
    except DAMAGED as error:
        raise damaged(source, error) from error
    gzipped = target.name.lower().endswith(".gz")
    target.write_bytes(gzip.compress(cleared, compresslevel=5, mtime=0) if gzipped else cleared)
