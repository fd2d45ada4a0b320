"""Copies of image files, voxel for voxel, without what a NIfTI header says beside geometry and intensity."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Any

import nibabel

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
    content = read_content(source)
    try:
        kind: Any = nibabel.Nifti2Header if is_nifti_2(content) else nibabel.Nifti1Header
        size = len(kind().binaryblock)
        header = kind(content[:size])
        voxels = content[int(header["vox_offset"]) :]
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
