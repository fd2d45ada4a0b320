"""Slices in order, and whatever keeps files from being one volume named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from segmint.data.convert.dicom.files import read_headers
from segmint.data.convert.dicom.series import ImageSeries, arrange
from segmint.data.convert.dicom.values import read_values
from segmint.errors import UserError


def _arranged(folder: Path) -> ImageSeries:
    return arrange(read_headers(folder).images)


def _set(number: int | None = None, **values: Any) -> Callable[[int, Any], None]:
    """Changes one slice, or all of them."""

    def change(which: int, one: Any) -> None:
        if number is None or which == number:
            for name, value in values.items():
                setattr(one, name, value)

    return change


def _expected(pixels: np.ndarray) -> np.ndarray:
    return pixels.transpose(1, 0, 2).astype(np.float64)


def test_order_spacing_and_place(tmp_path: Path, dicom: SimpleNamespace) -> None:
    dicom.series(tmp_path, name=lambda number: f"{(number * 2) % 5}.dcm")
    series = _arranged(tmp_path)
    assert series.shape == (6, 7, 5)
    assert series.spacing == pytest.approx((1.5, 0.75, 2.5))
    assert np.array_equal(read_values(series), _expected(dicom.stored()) - 1024)
    assert np.allclose(series.affine[:3, 3], [40, -12, 300])
    along = np.reshape(dicom.oblique, (2, 3))
    across = np.stack([along[0] * 1.5, along[1] * 0.75, np.cross(*along) * 2.5], axis=1)
    assert np.allclose(series.affine[:3, :3], np.diag([-1, -1, 1]) @ across)


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({2}, "A slice is missing between .*IM0001 and .*IM0003: they lie 5.00 mm apart, others 2.50 mm"),
        ({3, 4}, "2 slices are"),
    ],
)
def test_missing_slices_are_named(missing: set[int], said: str, tmp_path: Path, dicom: SimpleNamespace) -> None:
    dicom.series(tmp_path, dicom.stored(0, (4, 5, 9)), missing=missing)
    with pytest.raises(UserError, match=said):
        _arranged(tmp_path)


def test_uneven_steps_are_refused(tmp_path: Path, dicom: SimpleNamespace) -> None:
    dicom.series(tmp_path, places=(0, 1, 2.3, 3, 4))
    with pytest.raises(UserError, match=r"around .*IM0002 are unevenly spaced \(1\.75 to 3\.25 mm\)"):
        _arranged(tmp_path)


def test_steps_that_are_rounded_are_even(tmp_path: Path, dicom: SimpleNamespace) -> None:
    dicom.series(tmp_path, places=(0, 1.004, 1.997, 3, 4))
    assert _arranged(tmp_path).spacing[2] == pytest.approx(2.5)


def test_slices_in_the_same_place_are_refused(tmp_path: Path, dicom: SimpleNamespace) -> None:
    dicom.series(tmp_path, places=(0, 1, 1, 2, 3))
    with pytest.raises(UserError, match=r"IM0001 and .*IM0002 lie in the same place"):
        _arranged(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_set(3, ImageOrientationPatient=[1, 0, 0, 0, 1, 0]), r"IM0003 and .*IM0000 .* differ in orientation"),
        (_set(2, PixelSpacing=[0.75, 1.6]), r"IM0002 and .* differ in pixel spacing \(1\.6 x 0\.75, 1\.5 x 0\.75 mm\)"),
        (_set(1, Rows=6, PixelData=b"\0" * 72), r"IM0001 and .* differ in size \(6 x 6, 6 x 7\)"),
        (_set(4, Modality="MR"), r"IM0004 and .* differ in modality \(MR, CT\)"),
        (_set(4, PhotometricInterpretation="MONOCHROME1"), "differ in photometric interpretation"),
        (_set(None, PhotometricInterpretation="RGB", SamplesPerPixel=3), r"IM0000 is a colour picture \(RGB\)"),
        (_set(None, PhotometricInterpretation="PALETTE COLOR"), "is a colour picture"),
        (_set(2, ImagePositionPatient=None), r"IM0002 does not tell where it lies"),
        (_set(2, ImageOrientationPatient=[1, 0, 0, 1, 0, 0]), r"IM0002 tells an impossible orientation"),
        (_set(None, BitsStored=None), "IM0000 does not tell how its pixels are to be read"),
        (_set(None, PixelRepresentation=None), "IM0000 does not tell how its pixels are to be read"),
        (_set(None, BitsAllocated=0), "IM0000 does not tell how its pixels are to be read"),
        (_set(None, NumberOfFrames=5), "does not tell where its frames lie"),
    ],
)
def test_what_is_no_volume_is_named(
    change: Callable[[int, Any], None], said: str, tmp_path: Path, dicom: SimpleNamespace
) -> None:
    dicom.series(tmp_path, change=change)
    with pytest.raises(UserError, match=said) as caught:
        _arranged(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_tilted_gantry_is_refused(tmp_path: Path, dicom: SimpleNamespace) -> None:
    def tilt(number: int, one: Any) -> None:
        one.ImagePositionPatient = [0, 0.5 * number, 2.5 * number]

    dicom.series(tmp_path, orientation=(1, 0, 0, 0, 1, 0), change=tilt)
    with pytest.raises(UserError, match=r"shifted against one another by 2\.00 mm, as under a tilted gantry"):
        _arranged(tmp_path)


def test_slope_and_intercept_of_every_slice(tmp_path: Path, dicom: SimpleNamespace) -> None:
    """PET scales every slice by its own slope."""
    dicom.series(
        tmp_path,
        modality="PT",
        change=lambda number, one: _set(RescaleSlope=f"{0.5 + number}", RescaleIntercept="0")(0, one),
    )
    values = read_values(_arranged(tmp_path))
    assert values.dtype == np.float32
    assert np.allclose(values, _expected(dicom.stored()) * (0.5 + np.arange(5)))


@pytest.mark.parametrize(("modality", "turned"), [("MR", True), ("CT", False)])
def test_inverted_greys_are_turned_unless_they_are_physical(
    modality: str, turned: bool, tmp_path: Path, dicom: SimpleNamespace
) -> None:
    change = _set(PhotometricInterpretation="MONOCHROME1", RescaleSlope="2", RescaleIntercept="10")
    dicom.series(tmp_path, modality=modality, change=change)
    stored = _expected(dicom.stored())
    assert np.array_equal(read_values(_arranged(tmp_path)), (4095 - stored if turned else stored) * 2 + 10)


def test_signed_inverted_greys(tmp_path: Path, dicom: SimpleNamespace) -> None:
    pixels = (dicom.stored().astype(np.int32) - 2048).astype(np.int16)
    dicom.series(
        tmp_path,
        pixels,
        modality="MR",
        change=_set(PhotometricInterpretation="MONOCHROME1", PixelRepresentation=1, RescaleIntercept="0"),
    )
    assert np.array_equal(read_values(_arranged(tmp_path)), -1 - _expected(pixels))


def test_sixteen_bits_keep_their_range(tmp_path: Path, dicom: SimpleNamespace) -> None:
    pixels = dicom.stored() * np.uint16(15) + np.uint16(100)
    dicom.series(tmp_path, pixels, modality="MR", change=_set(BitsStored=16, HighBit=15, RescaleIntercept="0"))
    values = read_values(_arranged(tmp_path))
    assert values.dtype == np.int32
    assert np.array_equal(values, _expected(pixels))


def test_a_single_slice_has_its_thickness(tmp_path: Path, dicom: SimpleNamespace) -> None:
    dicom.series(tmp_path, dicom.stored(0, (4, 5, 1)))
    assert _arranged(tmp_path).spacing == pytest.approx((1.5, 0.75, 2.5))


def test_compressed_slices(tmp_path: Path, dicom: SimpleNamespace) -> None:
    """Run-length encoding needs nothing further; a format that does is said."""
    from pydicom.uid import JPEGLosslessSV1, RLELossless

    dicom.series(tmp_path, change=lambda number, one: one.compress(RLELossless) if number % 2 else None)
    assert np.array_equal(read_values(_arranged(tmp_path)), _expected(dicom.stored()) - 1024)

    def relabel(_: int, one: Any) -> None:
        one.compress(RLELossless)
        one.file_meta.TransferSyntaxUID = JPEGLosslessSV1

    dicom.series(tmp_path / "other", change=relabel)
    with pytest.raises(UserError, match="IM0000 is compressed in a way that cannot be read here"):
        read_values(_arranged(tmp_path / "other"))


def test_multi_frame_images(tmp_path: Path, dicom: SimpleNamespace) -> None:
    """Enhanced MR keeps all slices in one file; their order in it is no order in space."""
    import copy

    from pydicom.dataset import Dataset

    slices = dicom.series(tmp_path / "classic", modality="MR", change=_set(RescaleIntercept="5"))
    order = [3, 0, 4, 1, 2]
    whole = copy.deepcopy(slices[0])
    shared, frames = Dataset(), []
    measures, orientation = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = slices[0].PixelSpacing, "2.5"
    orientation.ImageOrientationPatient = slices[0].ImageOrientationPatient
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    for number in order:
        frame, position, values = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = slices[number].ImagePositionPatient
        values.RescaleSlope, values.RescaleIntercept = "1", str(number)
        frame.PlanePositionSequence, frame.PixelValueTransformationSequence = [position], [values]
        frames.append(frame)
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleIntercept", "RescaleSlope"):
        delattr(whole, name)
    whole.NumberOfFrames = len(order)
    whole.SharedFunctionalGroupsSequence, whole.PerFrameFunctionalGroupsSequence = [shared], frames
    whole.PixelData = b"".join(slices[number].PixelData for number in order)
    (tmp_path / "multi").mkdir()
    whole.save_as(tmp_path / "multi" / "all")
    series = _arranged(tmp_path / "multi")
    assert np.array_equal(read_values(series), _expected(dicom.stored()) + np.arange(5))
    assert np.allclose(series.affine, _arranged(tmp_path / "classic").affine)


def test_an_element_that_claims_gigabytes_takes_none(tmp_path: Path, dicom: SimpleNamespace) -> None:
    import tracemalloc

    dicom.series(tmp_path)
    path = tmp_path / "IM0002"
    content = bytearray(path.read_bytes())
    # The modality, with a length of four bytes in place of two letters and two bytes.
    place = content.index(b"\x08\x00\x60\x00CS")
    content[place + 4 : place + 8] = b"OB\0\0"
    content[place + 8 : place + 12] = (0xF0000000).to_bytes(4, "little")
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(UserError, match="IM0002"):
        _arranged(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000_000


def test_a_deflated_file_that_could_fill_the_memory_is_refused(
    tmp_path: Path, dicom: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    def deflate(_: int, one: Any) -> None:
        one.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian

    dicom.series(tmp_path, change=deflate)
    assert np.array_equal(read_values(_arranged(tmp_path)), _expected(dicom.stored()) - 1024)
    monkeypatch.setenv("SEGMINT_MEMORY_GB", "0.0001")
    with pytest.raises(UserError, match="IM0000 becomes, or may become, longer than"):
        _arranged(tmp_path)


def test_a_series_larger_than_the_limit_is_refused_before_it_is_read(tmp_path: Path, dicom: SimpleNamespace) -> None:
    dicom.series(tmp_path, change=_set(Rows=30000, Columns=30000))
    with pytest.raises(UserError, match=r"says it holds 30000 x 30000 x 5 values, whose reading takes 54 GB"):
        read_values(_arranged(tmp_path))


def test_a_damaged_code_stays_one_short_line(tmp_path: Path, dicom: SimpleNamespace) -> None:
    import pydicom

    dicom.series(tmp_path)
    path = tmp_path / "IM0002"
    one = pydicom.dcmread(path)
    # A file of another kind, whose modality is said.
    del one.Rows, one.Columns, one.PixelData
    one.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
    one.add_new("Modality", "OB", b"SR\n\x1b[31m" + b"x" * 80)
    one.save_as(path)
    (said,) = read_headers(tmp_path).others
    assert said.isprintable()
    assert len(said) <= 16
