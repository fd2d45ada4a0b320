"""The file formats of a dataset, and which one a file name means."""

from __future__ import annotations

from pathlib import Path

from segmint.data.formats.format import Format, Geometry
from segmint.data.formats.nifti import Nifti
from segmint.data.formats.png import Png
from segmint.data.formats.tiff import Tiff
from segmint.errors import UserError

FORMATS: tuple[Format, ...] = (Png(), Tiff(), Nifti())
ENDINGS: tuple[str, ...] = tuple(ending for one in FORMATS for ending in one.endings)

__all__ = ["ENDINGS", "FORMATS", "Format", "Geometry", "ending_of", "find_format"]


def ending_of(name: str) -> str | None:
    """The known ending of a file name, lower case (".nii.gz" rather than ".gz"), or None."""
    lowered = name.lower()
    return next((ending for ending in ENDINGS if lowered.endswith(ending)), None)


def find_format(ending: str, *, where: Path) -> Format:
    """The format of a file ending.

    Raises:
        UserError: no format reads it.
    """
    for one in FORMATS:
        if ending.lower() in one.endings:
            return one
    raise UserError(f'{where} names the file ending "{ending}": it must be one of {", ".join(ENDINGS)}.')
