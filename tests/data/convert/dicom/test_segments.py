"""Segments of every kind of DICOM SEG on the grid of their series."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from segmint.data.convert.dicom.files import DicomFiles, read_headers
from segmint.data.convert.dicom.segments import label_names, lies_on, open_segmentation, paint
from segmint.data.convert.dicom.series import arrange
from segmint.errors import UserError


def _painted(files: DicomFiles, **options: Any) -> np.ndarray:
    segmentations = [open_segmentation(header) for header in files.segmentations]
    return paint(arrange(files.images), segmentations, label_names(segmentations), **options)


def _masks(shape: tuple[int, int, int]) -> dict[str, np.ndarray]:
    inside = np.random.default_rng(5).random(shape) < 0.4
    inside[..., [0, 3]] = False
    second = ~inside & (np.random.default_rng(6).random(shape) < 0.3)
    second[..., 3] = False
    return {"Spleen": inside, "Left kidney": second}


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_every_kind_of_segmentation(kind: str, tmp_path: Path, dicom: SimpleNamespace) -> None:
    """Frames without foreground are missing in the file, and the slices lie in another order than their frames."""
    slices = dicom.series(tmp_path)
    masks = _masks(dicom.shape)
    dicom.segmentation(tmp_path / "seg", slices, masks, kind=kind)
    expected = 1 * masks["Spleen"] + 2 * masks["Left kidney"]
    assert np.array_equal(_painted(read_headers(tmp_path)), expected.transpose(1, 0, 2))


def test_one_slice_in_one_frame(tmp_path: Path, dicom: SimpleNamespace) -> None:
    slices = dicom.series(tmp_path)
    mask = np.zeros(dicom.shape, dtype=bool)
    mask[2, 3, 4] = True
    dicom.segmentation(tmp_path / "seg", slices, {"Spot": mask})
    files = read_headers(tmp_path)
    assert len(open_segmentation(files.segmentations[0]).frames) == 1
    assert np.argwhere(_painted(files)).tolist() == [[3, 2, 4]]


def test_frames_that_are_turned_or_a_part(tmp_path: Path, dicom: SimpleNamespace) -> None:
    """A tool wrote its frames mirrored, with rows and columns exchanged, and cut to a window: only the place tells."""
    slices = dicom.series(tmp_path)
    mask = np.random.default_rng(7).random(dicom.shape) < 0.5
    window = np.zeros_like(mask)
    window[2:5, 1:5] = mask[2:5, 1:5]

    def turn(one: Any) -> None:
        along = np.reshape(dicom.oblique, (2, 3))
        columns, rows = along[0] * 1.5, along[1] * 0.75
        groups = one.SharedFunctionalGroupsSequence[0]
        groups.PlaneOrientationSequence[0].ImageOrientationPatient = [*map(float, along[1]), *map(float, -along[0])]
        groups.PixelMeasuresSequence[0].PixelSpacing = [1.5, 0.75]
        frames = []
        for frame in one.PerFrameFunctionalGroupsSequence:
            position = frame.PlanePositionSequence[0]
            place = np.array(position.ImagePositionPatient, dtype=float)
            number = round(
                float((place - np.array(slices[0].ImagePositionPatient, dtype=float)) @ np.cross(*along) / 2.5)
            )
            corner = place + 2 * rows + 4 * columns
            position.ImagePositionPatient = [float(v) for v in np.round(corner, 6)]
            # New rows are old columns from 4 down to 1, new columns are old rows from 2 to 4.
            frames.append(window[2:5, 1:5, number].T[::-1])
        one.Rows, one.Columns = 4, 3
        one.PixelData = np.packbits(np.stack(frames).ravel(), bitorder="little").tobytes()

    dicom.segmentation(tmp_path / "seg", slices, {"Part": np.ones(dicom.shape, bool)}, change=turn)
    assert np.array_equal(_painted(read_headers(tmp_path)), window.transpose(1, 0, 2))


@pytest.mark.parametrize(
    ("shift", "said"),
    [
        ((0.4, 0, 0), "seg lies on another grid than its series"),
        ((0, 0, 500), "seg marks voxels outside of its series"),
    ],
)
def test_another_grid_is_refused(
    shift: tuple[float, float, float], said: str, tmp_path: Path, dicom: SimpleNamespace
) -> None:
    straight = (1, 0, 0, 0, 1, 0)
    slices = dicom.series(tmp_path, orientation=straight)

    def move(one: Any) -> None:
        for frame in one.PerFrameFunctionalGroupsSequence:
            place = frame.PlanePositionSequence[0]
            place.ImagePositionPatient = [float(a) + b for a, b in zip(place.ImagePositionPatient, shift, strict=True)]

    dicom.segmentation(tmp_path / "seg", slices, _masks(dicom.shape), change=move)
    files = read_headers(tmp_path)
    with pytest.raises(UserError, match=said):
        _painted(files)
    assert lies_on(open_segmentation(files.segmentations[0]), arrange(files.images)) is (shift[0] == 0)


def _relabel(one: Any) -> None:
    one.SegmentSequence[1].SegmentNumber = 1


def _undescribed(one: Any) -> None:
    one.SegmentSequence[1].SegmentNumber = 7


def _nothing(one: Any) -> None:
    del one.SegmentSequence


def _other_kind(one: Any) -> None:
    one.SegmentationType = "SURFACE"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_relabel, "seg has the segment 1 twice"),
        (_undescribed, "seg has a frame of the segment 2, which it does not describe"),
        (_nothing, "seg is a segmentation without segments"),
        (_other_kind, 'seg is a segmentation of the type "SURFACE"'),
    ],
)
def test_what_is_wrong_with_a_segmentation_is_named(
    change: Callable[[Any], None], said: str, tmp_path: Path, dicom: SimpleNamespace
) -> None:
    dicom.segmentation(tmp_path / "seg", dicom.series(tmp_path), _masks(dicom.shape), change=change)
    with pytest.raises(UserError, match=said):
        _painted(read_headers(tmp_path))


def test_labels_are_the_same_whatever_their_case(tmp_path: Path, dicom: SimpleNamespace) -> None:
    masks = list(_masks(dicom.shape).values())
    for number, names in enumerate([("Liver", "Tumour"), ("tumour", "spleen")]):
        folder = tmp_path / str(number)
        dicom.segmentation(folder / "seg", dicom.series(folder), dict(zip(names, masks, strict=True)))
    segmentations = [open_segmentation(header) for header in read_headers(tmp_path).segmentations]
    assert label_names(segmentations) == ("background", "Liver", "tumour", "spleen")
