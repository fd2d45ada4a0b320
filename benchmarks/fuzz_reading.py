"""Reading one changed folder with segmint, and holding what is read against the library its format belongs to."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmint.data.convert import convert_layout
from segmint.data.convert.pictures import read_image, read_mask
from segmint.data.dataset import open_dataset
from segmint.data.formats import find_format
from segmint.data.formats.mha import read_mha
from segmint.data.formats.tiff import count_pages, read_page
from segmint.data.inspect import inspect_dataset
from segmint.errors import UserError


class Wrong(Exception):
    """What was read is not what the file holds."""


def read_and_compare(kind: str, folder: Path, changed: Path) -> None:
    """Read the changed file of a folder in every way in which segmint reads files of its kind.

    Raises:
        UserError: it is refused.
        Wrong: values differ from those of the other library.
    """
    _READERS[kind](folder, changed)


def _picture(_: Path, changed: Path) -> None:
    ending = changed.suffix
    refused = []
    one_format = find_format(ending, where=changed)
    for read in (lambda: one_format.read_image(changed), lambda: read_image(changed).channels):
        try:
            values = read()
        except UserError as error:
            refused.append(error)
            continue
        geometry = one_format.geometry(changed)
        if values.shape != (geometry.channels, *geometry.shape):
            raise Wrong(f"shape {values.shape}, header {geometry.shape}")
        _compare(values, _other_picture(changed))
    _mask(changed)
    if ending == ".tif":
        for number in range(min(count_pages(changed), 3)):
            read_page(changed, number)
    if refused:
        raise refused[0]


def _mask(changed: Path) -> None:
    """As a mask too, where it can be one."""
    try:
        read_mask(changed)
    except UserError:
        return


def _other_picture(path: Path) -> NDArray[np.float64] | None:
    """[C, h, w] as Pillow, or tifffile, decodes it; None where that cannot."""
    import tifffile
    from PIL import Image

    try:
        if path.suffix == ".png":
            with Image.open(path) as picture:
                pixels = np.asarray(picture)
                pixels = np.asarray(picture.convert("RGB")) if picture.mode in ("P", "RGBA") else pixels
        else:
            pixels = tifffile.imread(path)
    except Exception:
        return None
    if pixels.ndim == 3 and pixels.shape[-1] != 3:
        return pixels.astype(np.float64)  # a plane a channel
    return np.moveaxis(pixels, -1, 0).astype(np.float64) if pixels.ndim == 3 else pixels[None].astype(np.float64)


def _nifti(_: Path, changed: Path) -> None:
    import nibabel

    nifti = find_format(".nii", where=changed)
    _mask(changed)
    values = nifti.read_image(changed)
    geometry = nifti.geometry(changed)
    if values.shape != (geometry.channels, *geometry.shape):
        raise Wrong(f"shape {values.shape}, header {geometry.shape}")
    try:
        image = nibabel.load(changed)
        # Slopes of damaged headers go beyond 64 bits.
        other = np.asarray(image.dataobj, dtype=np.longdouble)
    except Exception:
        return
    other = other.reshape((*geometry.shape, geometry.channels))
    _compare(values, np.moveaxis(other, -1, 0))


def _mha(folder: Path, changed: Path) -> None:
    values, geometry = read_mha(changed)
    if values.shape != (1, *geometry.shape):
        raise Wrong(f"shape {values.shape}, header {geometry.shape}")
    first, again = (_by_simpleitk(changed, folder.parent / f"{number}.npy") for number in range(2))
    # MetaIO gives memory as it happens to be of damaged packed voxels, and of packed ones whose length is not said.
    header = changed.read_bytes().partition(b"LOCAL")[0]
    told = b"CompressedDataSize =" in header or b"CompressedData = True" not in header
    if told and first is not None and again is not None and np.array_equal(first, again):
        _compare(values, first)
    convert_layout("brats-2015", folder, out=folder.parent / "out")


def _by_simpleitk(path: Path, result: Path) -> NDArray[np.float64] | None:
    """In a process of its own, which some damaged files end; None where it gives nothing."""
    child = os.fork()
    if child == 0:
        try:
            import SimpleITK

            # Its remarks are no results.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            image = SimpleITK.ReadImage(str(path), imageIO="MetaImageIO")
            np.save(result, SimpleITK.GetArrayFromImage(image).T[None].astype(np.float64))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    try:
        return np.load(result) if result.exists() else None
    except (OSError, ValueError):
        return None
    finally:
        result.unlink(missing_ok=True)


def _dicom(folder: Path, _: Path) -> None:
    import pydicom

    result = convert_layout("dicom", folder, out=folder.parent / "out")
    dataset = open_dataset(result.dataset)
    values = dataset.read_image(dataset.cases[0])
    dataset.read_label(dataset.cases[0])
    try:
        slices = [pydicom.dcmread(path) for path in sorted(folder.glob("IM*"))]
        normal = np.cross(*np.reshape(slices[0].ImageOrientationPatient, (2, 3)).astype(float))
        slices.sort(key=lambda one: float(np.array(one.ImagePositionPatient, dtype=float) @ normal))
        pixels = [
            one.pixel_array * float(one.get("RescaleSlope") or 1) + float(one.get("RescaleIntercept") or 0)
            for one in slices
        ]
    except (Exception, MemoryError):
        return
    _compare(values, np.stack(pixels, axis=-1).transpose(1, 0, 2)[None])


def _json(folder: Path, _: Path) -> None:
    open_dataset(folder)
    inspect_dataset(folder)


def _compare(values: NDArray[np.generic], other: NDArray[np.floating] | None) -> None:
    """To a thousandth: what is read may be stored as 32-bit float."""
    if other is None:
        return
    if values.shape != other.shape or not np.allclose(values, other, rtol=1e-3, equal_nan=True):
        raise Wrong(f"values differ from the library's ({values.shape}, {other.shape})")


_READERS: dict[str, Callable[[Path, Path], None]] = {
    "png": _picture,
    "tiff": _picture,
    "nifti": _nifti,
    "mha": _mha,
    "dicom": _dicom,
    "json": _json,
}
warnings.simplefilter("ignore")
