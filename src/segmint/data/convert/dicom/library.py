"""pydicom, which is an extra, and its complaints as one sentence."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from segmint.data.formats.format import reason
from segmint.errors import UserError


def pydicom_for(path: Path, *, module: str = "pydicom") -> Any:
    """pydicom, or a module of it.

    Raises:
        UserError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(f"Reading {path} needs pydicom: install it with pip install 'segmint[dicom]'.") from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Whatever pydicom makes of a damaged file becomes one sentence; what it only warns of is not told.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (UserError, MemoryError):
        raise
    except Exception as error:  # its parsers and decoders raise nearly every kind on a damaged file
        raise UserError(
            f"{path} is damaged or not a DICOM file that can be read ({reason(error)}): replace it by an intact copy."
        ) from error
