"""Small DICOM series and segmentations, written by pydicom and highdicom as scanners and annotation tools write them; folders of
pictures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.data.convert.pictures import disc, grey, save

SHAPE = (7, 6, 5)
"""(rows, columns, slices)"""
PERSON = {
    "PatientName": "Doe^Jane^Wilhelmina",
    "PatientID": "MRN-7731-0042",
    "PatientBirthDate": "19610203",
    "InstitutionName": "Sankt Nimmerlein Hospital",
    "ReferringPhysicianName": "Quack^Salbader",
    "AccessionNumber": "ACC99887766",
    "StudyDescription": "Thorax of Jane Doe",
    "SeriesDescription": "Doe portal venous",
    "StudyDate": "20190817",
    "PatientAddress": "13 Elm Street",
}
# Rows and columns lie obliquely; the numbers of the files run against the normal.
OBLIQUE = (0.8, 0.6, 0.0, -0.48, 0.64, 0.6)


@pytest.fixture
def two_folders(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        save(tmp_path / "images" / f"{name}.png", grey())
        save(tmp_path / "masks" / f"{name}.png", disc())
    return tmp_path


@pytest.fixture
def dicom() -> SimpleNamespace:
    """`stored(seed)`, `series(folder, ...)` and `segmentation(path, datasets, masks, ...)`; skips without the libraries."""
    pytest.importorskip("pydicom", reason="pydicom is not installed (extra dicom)")
    pytest.importorskip("highdicom", reason="highdicom is not installed (extra test)")
    return SimpleNamespace(
        stored=stored, series=write_series, segmentation=write_segmentation, shape=SHAPE, person=PERSON, oblique=OBLIQUE
    )


def stored(seed: int = 0, shape: tuple[int, ...] = SHAPE) -> NDArray[np.uint16]:
    """[rows, columns, slices] of 12 bits."""
    return np.random.default_rng(seed).integers(0, 4096, shape).astype(np.uint16)


def write_series(
    folder: Path,
    pixels: NDArray[Any] | None = None,
    *,
    orientation: Sequence[float] = OBLIQUE,
    spacing: tuple[float, float] = (0.75, 1.5),
    step: float = 2.5,
    origin: Sequence[float] = (-40.0, 12.0, 300.0),
    places: Sequence[float] | None = None,
    name: Callable[[int], str] = lambda number: f"IM{number:04d}",
    missing: Collection[int] = (),
    modality: str = "CT",
    change: Callable[[int, Any], None] | None = None,
    person: Mapping[str, str] = PERSON,
    uids: Mapping[str, str] | None = None,
) -> list[Any]:
    """Write one file a slice, and return their datasets in the order of the array.

    Args:
        pixels: [rows, columns, slices] stored numbers.
        spacing: mm between rows, and between columns.
        places: Slices lie so many steps along the normal; 0, 1, 2, ... by default.
        name: Of the file of slice number n.
        missing: Slices that are not written.
        change: Called with (number, dataset) before it is written.
        uids: Instead of new ones: StudyInstanceUID, SeriesInstanceUID, FrameOfReferenceUID.
    """
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    pixels = stored() if pixels is None else pixels
    folder.mkdir(parents=True, exist_ok=True)
    along = np.reshape(orientation, (2, 3))
    normal = np.cross(*along)
    common = {key: generate_uid() for key in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")}
    common |= dict(uids or {})
    storage = {
        "CT": "1.2.840.10008.5.1.4.1.1.2",
        "MR": "1.2.840.10008.5.1.4.1.1.4",
        "PT": "1.2.840.10008.5.1.4.1.1.128",
    }
    datasets = []
    for number in range(pixels.shape[2]):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = storage.get(modality, "1.2.840.10008.5.1.4.1.1.7")
        meta.MediaStorageSOPInstanceUID = generate_uid()
        one = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        one.SOPClassUID, one.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
        for key, value in {**person, **common}.items():
            setattr(one, key, value)
        one.StudyTime, one.StudyID, one.SeriesNumber = "101010", "1", 1
        one.PatientSex, one.Manufacturer = "F", "Maker"
        one.AcquisitionNumber, one.Laterality, one.PositionReferenceIndicator = 1, "", ""
        one.Modality = modality
        # Against the order of the slices: whoever sorts by it turns the volume over.
        one.InstanceNumber = pixels.shape[2] - number
        place = number if places is None else places[number]
        one.ImagePositionPatient = [round(float(v), 6) for v in np.asarray(origin) + normal * step * place]
        one.ImageOrientationPatient = list(orientation)
        one.PixelSpacing, one.SliceThickness = list(spacing), step
        one.Rows, one.Columns = pixels.shape[:2]
        one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
        one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
        one.RescaleSlope, one.RescaleIntercept = "1", "-1024"
        one.PixelData = np.ascontiguousarray(pixels[..., number]).tobytes()
        if change is not None:
            change(number, one)
        if number not in missing:
            one.save_as(folder / name(number))
        datasets.append(one)
    return datasets


def write_segmentation(
    path: Path,
    datasets: Sequence[Any],
    masks: Mapping[str, NDArray[np.bool_]],
    *,
    kind: str = "BINARY",
    change: Callable[[Any], None] | None = None,
) -> None:
    """Write a DICOM SEG of [rows, columns, slices] masks, named segments 1, 2, ... of the given datasets' series.

    Frames without foreground are left out, as most tools do.
    """
    import highdicom
    from pydicom.sr.codedict import codes
    from pydicom.uid import generate_uid

    segments = [
        highdicom.seg.SegmentDescription(
            number, name, codes.SCT.Organ, codes.SCT.Liver, highdicom.seg.SegmentAlgorithmTypeValues.MANUAL
        )
        for number, name in enumerate(masks, start=1)
    ]
    stack = np.stack([np.moveaxis(mask, 2, 0) for mask in masks.values()], axis=-1)
    pixels = stack.astype(np.float32) if kind == "FRACTIONAL" else stack.astype(np.uint8)
    if kind == "LABELMAP":
        pixels = (stack * np.arange(1, len(masks) + 1)).max(axis=-1).astype(np.uint8)
    one = highdicom.seg.Segmentation(
        list(datasets),
        pixels,
        kind,
        segments,
        series_instance_uid=generate_uid(),
        series_number=9,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="Maker",
        manufacturer_model_name="Model",
        software_versions="1",
        device_serial_number="1",
        content_creator_name="Quack^Salbader",
        omit_empty_frames=True,
    )
    if change is not None:
        change(one)
    path.parent.mkdir(parents=True, exist_ok=True)
    one.save_as(path)
