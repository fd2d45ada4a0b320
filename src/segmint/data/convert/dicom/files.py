"""Finding the DICOM files of a folder, however they are named, and reading of their headers what is needed and no more."""

from __future__ import annotations

import mmap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmint.data.convert.dicom.library import opened, pydicom_for, reading
from segmint.data.formats.memory import MOST_DEFLATED, memory_limit, too_long
from segmint.errors import UserError

_ENDINGS = (".dcm", ".dicom", ".ima")
_PREAMBLE, _MAGIC = 128, b"DICM"
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_DIRECTORY = "1.2.840.10008.1.3.10"
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_SEGMENTATIONS = (f"{_STORAGE}66.4", f"{_STORAGE}66.7")
_SLICES = ("2", "2.1", "4", "4.1", "128", "128.1")
"""Ends of the classes of CT, MR and PET images, each in one file a slice or all in one."""
_BELONGING = (
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
    "PatientID",
    "Modality",
    "ReferencedSeriesSequence",
)
_PLACE = (
    "Rows",
    "Columns",
    "NumberOfFrames",
    "PixelSpacing",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "SliceThickness",
    "SpacingBetweenSlices",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)
_VALUES = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "BitsAllocated",
    "BitsStored",
    "PixelRepresentation",
    "RescaleSlope",
    "RescaleIntercept",
    "ModalityLUTSequence",
    "SegmentSequence",
    "SegmentationType",
    "MaximumFractionalValue",
    "BurnedInAnnotation",
)
"""The only attributes that are read. Names, dates and institutions are not among them; the patient's id tells subjects
apart and is replaced by a code before anything is written."""
_LONGEST_CODE = 16
"""Characters of a code string (part 5, table 6.2-1); damaged headers have longer ones."""


@dataclass(frozen=True, eq=False)
class Header:
    """One file, and the attributes above of it."""

    path: Path
    attributes: Any

    def text(self, name: str) -> str:
        """An attribute as one line of text; empty where it is absent."""
        value = self.attributes.get(name)
        said = "" if value is None else str(value)
        return " ".join("".join(one if one.isprintable() else " " for one in said).split())


@dataclass(frozen=True, eq=False)
class DicomFiles:
    """The DICOM files of a folder.

    Args:
        images: Files with pixels that are no segmentations.
        segmentations: DICOM SEG objects.
        others: How many files of each other modality, such as RTSTRUCT or SR.
        strangers: Files that are not DICOM.
    """

    images: Sequence[Header]
    segmentations: Sequence[Header]
    others: Counter[str]
    strangers: Sequence[Path]


def read_headers(source: Path) -> DicomFiles:
    """Read the headers of all DICOM files of a folder and its subfolders, in the order of their paths.

    Raises:
        UserError: it is no folder, pydicom is not installed, or a file that should be DICOM is damaged.
    """
    if not source.is_dir():
        raise UserError(f"{source} does not exist or is no folder: give the folder with the DICOM files.")
    images, segmentations, strangers = [], [], []
    others: Counter[str] = Counter()
    for path in sorted(source.rglob("*")):
        if any(part.startswith(".") for part in path.relative_to(source).parts) or not path.is_file():
            continue
        if not _is_dicom(path):
            strangers.append(path)
            continue
        header = _read(path)
        kind = header.text("SOPClassUID")
        if kind in _SEGMENTATIONS:
            segmentations.append(header)
        elif "Rows" in header.attributes and "Columns" in header.attributes:
            images.append(header)
        elif kind.removeprefix(_STORAGE) in _SLICES:
            raise UserError(f"{path} is damaged (its header has no end): replace it by an intact copy.")
        elif kind != _DIRECTORY and path.name.upper() != "DICOMDIR":
            others[header.text("Modality")[:_LONGEST_CODE] or "unknown"] += 1
    if not images and not segmentations and not others:
        raise UserError(
            f"{source} holds no DICOM files: give the folder with the files as they come (see `segmint data layouts`)."
        )
    return DicomFiles(images, segmentations, others, strangers)


def _is_dicom(path: Path) -> bool:
    """By its content: the ending says little, and most archives have none."""
    try:
        with path.open("rb") as handle:
            start = handle.read(_PREAMBLE + len(_MAGIC))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from error
    if start[_PREAMBLE:] == _MAGIC:
        return True
    if path.name.lower().endswith(_ENDINGS):
        raise UserError(f"{path} is damaged or no DICOM file: replace it by an intact copy, or remove it.")
    return False


def _read(path: Path) -> Header:
    library = pydicom_for(path)
    _refuse_bomb(path)
    with reading(path), opened(path) as handle:
        attributes = library.dcmread(
            handle, stop_before_pixels=True, specific_tags=[*_BELONGING, *_PLACE, *_VALUES], defer_size=None
        )
        # Attributes are decoded when first asked for, those of sequences too: here, where damage becomes one sentence.
        for _ in attributes.iterall():
            pass
        return Header(path, attributes)


def _refuse_bomb(path: Path) -> None:
    """A file that is deflated as a whole is inflated at once: refused where that could fill the memory."""
    if path.stat().st_size * MOST_DEFLATED <= memory_limit():
        return
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.find(_DEFLATED) >= 0:
            raise too_long(path)
