"""Finding and reading the files of a published dataset, with one sentence for whatever is not as its owners ship it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmint.data.convert.pictures import read_image, read_mask
from segmint.data.formats.format import AnyArray
from segmint.errors import UserError

_FOREGROUND = 128
_MOST_BETWEEN = 0.01


def find_root(source: Path, *, inner: Iterable[str], holds: str) -> Path:
    """The folder with the files: `source`, or the first of the folders `inner` within it that holds what it should.

    Args:
        source: What the user named.
        inner: Folders that archives wrap the files in.
        holds: A glob pattern that the right folder has a match for.

    Raises:
        UserError: there is none.
    """
    if not source.is_dir():
        raise UserError(f"{source} does not exist or is no folder: give the folder with the files as they come.")
    for folder in (source, *(source / name for name in inner)):
        if any(folder.glob(holds)):
            return folder
    raise UserError(
        f"{source} holds no {holds}: give the folder with the files as they come (see `segmint data layouts`)."
    )


def matching_files(folder: Path, expression: str) -> dict[str, Path]:
    """Files of a folder whose whole name matches; by the text of the expression's first group, sorted.

    Raises:
        UserError: there is no such folder, or no such file, or two have the same key.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} does not exist: the layout keeps files there; restore it.")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        match = re.fullmatch(expression, path.name)
        if match is None:
            continue
        if match[1] in found:
            raise UserError(f"{found[match[1]]} and {path} are the same image twice: remove one of them.")
        found[match[1]] = path
    if not found:
        raise UserError(f"{folder} holds no files named like the layout's: give the folder as its owners ship it.")
    return found


def existing(*candidates: Path) -> Path:
    """The first of some paths that exists.

    Raises:
        UserError: none does.
    """
    for path in candidates:
        if path.is_file():
            return path
    raise UserError(f"{candidates[0]} is missing, but its image is there: restore the file, or remove the image.")


def read_pixels(path: Path, *, channels: int) -> AnyArray:
    """[C, h, w] of uint8 or uint16.

    Raises:
        UserError: the file is damaged, or holds another number of channels or another type.
    """
    return checked_pixels(path, read_image(path).channels, channels=channels)


def checked_pixels(path: Path, image: AnyArray, *, channels: int) -> AnyArray:
    """The same array, if its channels and type are those of the layout."""
    if image.shape[0] != channels:
        raise UserError(f"{path} has {image.shape[0]} channels where the layout has {channels}: restore the original.")
    if image.dtype not in (np.uint8, np.uint16) or (channels == 3 and image.dtype != np.uint8):
        raise UserError(f"{path} holds values of type {image.dtype}, not 8-bit ones: restore the original.")
    return image


def read_binary(path: Path) -> NDArray[np.uint8]:
    """[h, w] of 0 and 1 from a mask of 0 and 1, or of 0 and 255.

    Raises:
        UserError: the file is damaged, or holds something else.
    """
    return binary(path, read_mask(path).values)


def binary(path: Path, values: AnyArray) -> NDArray[np.uint8]:
    """The same from an array.

    Published masks have a few pixels between 0 and 255 along some edges (17 of the 20 mitochondria masks of the
    Drosophila VNC); they are cut at 128.
    """
    if values.size and values.min() >= 0 and values.max() <= 1:
        return values.astype(np.uint8)
    between = float(np.mean((values != 0) & (values != 255)))
    if between > _MOST_BETWEEN:
        raise UserError(
            f"{path} is no mask of 0 and 255, since {between:.1%} of its pixels lie elsewhere: restore the original."
        )
    return (values >= _FOREGROUND).astype(np.uint8)
