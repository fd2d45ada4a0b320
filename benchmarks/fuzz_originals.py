"""Small intact files of every format, for fuzzing: each is a folder in which one file will be changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

SIDE, SLICES = 12, 4
_AFFINE = np.array([[0.8, -0.6, 0, 5], [1.2, 1.6, 0, -7], [0, 0, 3, 9], [0, 0, 0, 1.0]])


@dataclass(frozen=True)
class Original:
    """An intact folder.

    Args:
        kind: "png", "tiff", "nifti", "mha", "dicom" or "json".
        files: Content by path in the folder.
        changed: Which of them is to be changed.
    """

    kind: str
    files: Mapping[str, bytes]
    changed: str

    def write(self, folder: Path, content: bytes) -> Path:
        """Write all files, the one to be changed with other content, whose path is returned."""
        for name, intact in {**self.files, self.changed: content}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(intact)
        return folder / self.changed


def originals(kinds: list[str]) -> dict[str, list[Original]]:
    """The originals of some kinds."""
    make: dict[str, Callable[[], list[Original]]] = {
        "png": _png,
        "tiff": _tiff,
        "nifti": _nifti,
        "mha": _mha,
        "dicom": _dicom,
        "json": _json,
    }
    return {kind: make[kind]() for kind in kinds}


def _noise(seed: int, shape: tuple[int, ...], dtype: Any = np.uint8) -> NDArray[Any]:
    return np.random.default_rng(seed).integers(0, 200, shape).astype(dtype)


def _mask(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    mask = np.zeros(shape, dtype=np.uint8)
    mask[3:8, 4:9] = 1
    return mask


def _saved(pixels: NDArray[Any], ending: str, **arguments: Any) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, format=ending, **arguments)
    return stream.getvalue()


def _pair(kind: str, ending: str, image: bytes, mask: bytes, *, change_mask: bool = False) -> Original:
    names = f"images/a{ending}", f"masks/a{ending}"
    return Original(kind, dict(zip(names, (image, mask), strict=True)), names[int(change_mask)])


def _png() -> list[Original]:
    grey, mask = _saved(_noise(0, (SIDE, SIDE)), "PNG"), _saved(_mask((SIDE, SIDE)), "PNG")
    deep = _saved(_noise(1, (SIDE, SIDE), np.uint16) * np.uint16(300), "PNG")
    colour = _saved(_noise(2, (SIDE, SIDE, 3)), "PNG")
    pairs = [_pair("png", ".png", one, mask) for one in (grey, deep, colour)]
    return [*pairs, _pair("png", ".png", grey, mask, change_mask=True)]


def _tiff() -> list[Original]:
    def saved(pixels: NDArray[Any], **arguments: Any) -> bytes:
        stream = BytesIO()
        tifffile.imwrite(stream, pixels, metadata=None, **arguments)
        return stream.getvalue()

    mask = saved(_mask((SIDE, SIDE)), compression="zlib")
    images = [
        saved(_noise(0, (SIDE, SIDE))),
        saved(_noise(1, (SIDE, SIDE), np.uint16), compression="zlib"),
        saved(_noise(2, (SIDE, SIDE)).astype(np.float32), byteorder=">"),
        saved(_noise(3, (SIDE, SIDE, 3)), photometric="rgb", compression="zlib", rowsperstrip=5),
        _saved(_noise(4, (SIDE, SIDE)), "TIFF", compression="tiff_lzw"),
    ]
    return [
        *(_pair("tiff", ".tif", one, mask) for one in images),
        _pair("tiff", ".tif", images[0], mask, change_mask=True),
    ]


def _nifti() -> list[Original]:
    shape = (SIDE, SIDE, SLICES)
    mask = nibabel.Nifti1Image(_mask(shape), _AFFINE).to_bytes()
    plain = nibabel.Nifti1Image(_noise(0, shape, np.int16), _AFFINE)
    scaled = nibabel.Nifti1Image(_noise(1, shape, np.int16), _AFFINE)
    scaled.header.set_slope_inter(0.5, -3)
    images = [
        plain.to_bytes(),
        scaled.to_bytes(),
        nibabel.Nifti1Image(_noise(2, (*shape, 2)).astype(np.float32), _AFFINE).to_bytes(),
        nibabel.Nifti2Image(_noise(3, shape), _AFFINE).to_bytes(),
    ]
    pairs = [_pair("nifti", ".nii", one, mask) for one in images]
    # Packed ones are changed before they are packed, and after.
    return [
        *pairs,
        *(Original("nifti", {k + ".gz": v for k, v in one.files.items()}, one.changed + ".gz") for one in pairs),
    ]


def _mha() -> list[Original]:
    import SimpleITK

    made = []
    for packed in (False, True):
        files = {}
        for number, kind in enumerate(("XX.O.MR_T1", "XX.O.MR_T1c", "XX.O.MR_T2", "XX.O.MR_Flair", "XX.XX.OT")):
            array = _noise(number, (SLICES, SIDE, SIDE), np.int16) // (100 if number == 4 else 1)
            image = SimpleITK.GetImageFromArray(array)
            name = f"HGG/brats_tcia_pat101_0001/VSD.Brain.{kind}.{number}/VSD.Brain.{kind}.{number}.mha"
            files[name] = _through_disk(image, packed)
        made.append(Original("mha", files, next(iter(files))))
    return made


def _through_disk(image: Any, packed: bool) -> bytes:
    from tempfile import TemporaryDirectory

    import SimpleITK

    with TemporaryDirectory() as folder:
        SimpleITK.WriteImage(image, f"{folder}/a.mha", packed)
        return (Path(folder) / "a.mha").read_bytes()


def _dicom() -> list[Original]:
    files = {}
    datasets = []
    for number in range(SLICES):
        one = _slice(number)
        datasets.append(one)
        files[f"IM{number}"] = _written(one)
    packed = _slice(1)
    from pydicom.uid import RLELossless

    packed.compress(RLELossless)
    files["SEG"] = _written(_segmentation(datasets))
    return [
        Original("dicom", files, "IM1"),
        Original("dicom", {**files, "IM1": _written(packed)}, "IM1"),
        Original("dicom", files, "SEG"),
    ]


def _slice(number: int) -> Any:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
    one = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    values: dict[str, Any] = {
        "SOPClassUID": meta.MediaStorageSOPClassUID,
        "SOPInstanceUID": f"1.2.3.{number}",
        "StudyInstanceUID": "1.2.4",
        "SeriesInstanceUID": "1.2.5",
        "FrameOfReferenceUID": "1.2.6",
        "PatientID": "p",
        "PatientName": "",
        "PatientBirthDate": "",
        "PatientSex": "",
        "StudyDate": "",
        "StudyTime": "",
        "StudyID": "",
        "AccessionNumber": "",
        "ReferringPhysicianName": "",
        "SeriesNumber": 1,
        "InstanceNumber": number + 1,
        "Manufacturer": "",
        "Modality": "CT",
        "Rows": SIDE,
        "Columns": SIDE,
        "PixelSpacing": [0.8, 0.8],
        "SliceThickness": 2,
        "ImagePositionPatient": [0, 0, 2 * number],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "PixelData": _noise(number, (SIDE, SIDE), np.uint16).tobytes(),
    }
    for name, value in values.items():
        setattr(one, name, value)
    return one


def _segmentation(datasets: list[Any]) -> Any:
    import highdicom
    from pydicom.sr.codedict import codes

    segment = highdicom.seg.SegmentDescription(
        1, "Liver", codes.SCT.Organ, codes.SCT.Liver, highdicom.seg.SegmentAlgorithmTypeValues.MANUAL
    )
    return highdicom.seg.Segmentation(
        datasets,
        np.moveaxis(_mask((SIDE, SIDE, SLICES)), 2, 0),
        "BINARY",
        [segment],
        series_instance_uid="1.2.7",
        series_number=2,
        sop_instance_uid="1.2.8",
        instance_number=1,
        manufacturer="M",
        manufacturer_model_name="M",
        software_versions="1",
        device_serial_number="1",
    )


def _written(dataset: Any) -> bytes:
    stream = BytesIO()
    dataset.save_as(stream)
    return stream.getvalue()


def _json() -> list[Original]:
    description = {
        "name": "set",
        "channel_names": {"0": "grey"},
        "labels": {"background": 0, "disc": 1},
        "numTraining": 2,
        "file_ending": ".png",
        "licence": "CC0",
    }
    entry = {
        "subject": "s",
        "volume": "v",
        "slice": 0,
        "axis": 2,
        "spacing": [1.0, 1.0, 2.0],
        "padding": [[0, 0], [1, 1]],
    }
    intensity = [{"kind": "window", "low": 0.0, "high": 200.0}]
    sidecar = {
        "format": 1,
        "cases": {"a": {**entry, "intensity": intensity}, "b": {**entry, "subject": "t", "slice": 1}},
        "split": {"train": ["s"], "validation": [], "test": ["t"]},
        "subsets": {"one": {"name": "one", "subjects": ["s"], "slices": [["a", 0]]}},
        "licence": "CC0",
    }
    files = {"dataset.json": json.dumps(description).encode(), "segmint.json": json.dumps(sidecar).encode()}
    for number, case in enumerate("ab"):
        files[f"imagesTr/{case}_0000.png"] = _saved(_noise(number, (SIDE, SIDE)), "PNG")
        files[f"labelsTr/{case}.png"] = _saved(_mask((SIDE, SIDE)), "PNG")
    return [Original("json", files, name) for name in ("dataset.json", "segmint.json")]
