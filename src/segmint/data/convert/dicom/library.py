"""pydicom, which is an extra, and its complaints as one sentence."""

from __future__ import annotations

import importlib
import io
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from segmint.data.formats.format import reason
from segmint.errors import UserError

_LITTLE = 1 << 16
# What it remarks of odd files is told in one sentence here, or is of no consequence.
logging.getLogger("pydicom").setLevel(logging.CRITICAL)


def pydicom_for(path: Path, *, module: str = "pydicom") -> Any:
    """pydicom, or a module of it.

    Raises:
        UserError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(f"Reading {path} needs pydicom: install it with pip install 'segmint[dicom]'.") from error


class _WithinFile(io.BufferedReader):
    """Never takes memory for more than the file holds, however much an element of it says it does."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and 0 <= size <= _LITTLE:
            return super().read(size)
        rest = max(0, os.fstat(self.fileno()).st_size - self.tell())
        return super().read(rest if size is None or size < 0 else min(size, rest))


def opened(path: Path) -> io.BufferedReader:
    """The file, for pydicom to read."""
    return _WithinFile(io.FileIO(path))


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
