"""DICOM series with DICOM SEG, on miniatures as scanners and annotation tools write them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nibabel
import numpy as np
import pytest

from segmint.data.convert import convert_layout
from segmint.data.dataset import open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.errors import UserError


def _masks(shape: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """Two organs that do not touch; the first and last slice are empty, so that a SEG leaves their frames out."""
    liver, tumour = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    liver[1:4, 1:3, 1:4] = True
    tumour[4:6, 4, 2:4] = True
    return {"Liver": liver, "Tumour": tumour}


@pytest.fixture
def hospital(tmp_path: Path, dicom: SimpleNamespace) -> Path:
    """Three patients, the third in two visits, in folders of different depth, files with and without ending."""
    root = tmp_path / "archive"
    for number, (patient, place) in enumerate([("a", "x/1"), ("b", "DOE^JANE"), ("c", "c/first/CT"), ("c", "c/later")]):
        person = {**dicom.person, "PatientID": f"MRN-{patient}"}
        name = (lambda n: f"{9 - n}.dcm") if number == 1 else (lambda n: f"I{(n * 3) % 5}")
        slices = dicom.series(root / place, dicom.stored(number), person=person, name=name)
        dicom.segmentation(root / place / "seg" / "S1", slices, _masks(dicom.shape))
    (root / "readme.txt").write_text("as it comes")
    return root


def _world(array: np.ndarray, affine: np.ndarray) -> dict[tuple[int, ...], float]:
    """Value by the place in the world, in hundredths of a millimetre."""
    points = np.stack([*np.meshgrid(*map(np.arange, array.shape), indexing="ij"), np.ones(array.shape)], axis=-1)
    places = np.rint(points @ affine.T * 100).astype(int)[..., :3].reshape(-1, 3)
    return dict(zip(map(tuple, places.tolist()), array.ravel().tolist(), strict=True))


def test_every_voxel_is_where_the_header_says(tmp_path: Path, dicom: SimpleNamespace) -> None:
    """Against DICOM's own equation (PS3.3, C.7.6.2.1.1), pixel by pixel, by the world coordinates of NIfTI (RAS)."""
    slices = dicom.series(tmp_path / "in")
    masks = _masks(dicom.shape)
    dicom.segmentation(tmp_path / "in" / "seg.dcm", slices, masks)
    convert_layout("dicom", tmp_path / "in", out=tmp_path / "out")
    image = nibabel.load(tmp_path / "out" / "imagesTr" / "subject-001_1_0000.nii.gz")
    label = nibabel.load(tmp_path / "out" / "labelsTr" / "subject-001_1.nii.gz")
    assert image.get_data_dtype() == np.int16
    expected, expected_ids = {}, {}
    for number, one in enumerate(slices):
        along = np.reshape(one.ImageOrientationPatient, (2, 3)).astype(float)
        between_rows, between_columns = (float(v) for v in one.PixelSpacing)
        for row in range(one.Rows):
            for column in range(one.Columns):
                place = np.array(one.ImagePositionPatient, dtype=float)
                place = place + along[0] * between_columns * column + along[1] * between_rows * row
                key = tuple(np.rint(place * [-100, -100, 100]).astype(int).tolist())
                expected[key] = float(dicom.stored()[row, column, number]) - 1024
                expected_ids[key] = 1 * masks["Liver"][row, column, number] + 2 * masks["Tumour"][row, column, number]
    assert _world(image.get_fdata(), image.affine) == expected
    assert _world(np.asarray(label.dataobj), label.affine) == expected_ids
    assert np.allclose(image.header.get_zooms(), (1.5, 0.75, 2.5))


def test_patients_are_subjects_under_numbers(hospital: Path, tmp_path: Path) -> None:
    result = convert_layout("dicom", hospital, out=tmp_path / "out")
    assert (result.pairs, result.subjects, result.subject_kind) == (4, 3, "subject")
    dataset = open_dataset(result.dataset)
    assert dataset.subjects == ("subject-001", "subject-002", "subject-003")
    visits = sorted(len(dataset.cases_of([one])) for one in dataset.subjects)
    assert visits == [1, 1, 2]
    assert dataset.channel_names == ("CT",)
    assert dataset.label_names == ("background", "Liver", "Tumour")
    assert inspect_dataset(result.dataset)["problems"] == []
    assert any("readme.txt" in message for message in result.messages)
    again = convert_layout("dicom", hospital, out=tmp_path / "again")
    for path in sorted(result.dataset.rglob("*.nii.gz")):
        assert path.read_bytes() == (again.dataset / path.relative_to(result.dataset)).read_bytes()


def test_subjects_may_be_told_by_folders(hospital: Path, tmp_path: Path) -> None:
    result = convert_layout("dicom", hospital, out=tmp_path / "out", subject="^[^/]+/[^/]+")
    assert result.subjects == 4
    assert open_dataset(result.dataset).subjects[0] == "subject-001"


def test_without_patient_ids_nothing_is_known_of_subjects(tmp_path: Path, dicom: SimpleNamespace) -> None:
    slices = dicom.series(tmp_path / "in", person={**dicom.person, "PatientID": ""})
    dicom.segmentation(tmp_path / "in" / "seg", slices, _masks(dicom.shape))
    result = convert_layout("dicom", tmp_path / "in", out=tmp_path / "out")
    assert result.subject_kind == "image"
    assert any("no patient id" in message for message in result.messages)
    told = convert_layout("dicom", tmp_path / "in", out=tmp_path / "told", subject="IM")
    assert told.subject_kind == "subject"


def test_one_patient_id_for_all_studies_is_pointed_out(tmp_path: Path, dicom: SimpleNamespace) -> None:
    for name in "ab":
        slices = dicom.series(tmp_path / "in" / name)
        dicom.segmentation(tmp_path / "in" / name / "seg", slices, _masks(dicom.shape))
    result = convert_layout("dicom", tmp_path / "in", out=tmp_path / "out")
    assert result.subjects == 1
    assert any("All studies bear the same patient id" in message for message in result.messages)


def test_series_without_segmentation_are_left_out_or_kept(tmp_path: Path, dicom: SimpleNamespace) -> None:
    slices = dicom.series(tmp_path / "in" / "a")
    dicom.segmentation(tmp_path / "in" / "a" / "seg", slices, _masks(dicom.shape))
    other = {**dicom.person, "PatientID": "another"}
    dicom.series(tmp_path / "in" / "b", dicom.stored(3), person=other)
    result = convert_layout("dicom", tmp_path / "in", out=tmp_path / "out")
    assert (result.pairs, result.unlabelled) == (1, 0)
    assert any("1 series without a segmentation were left out" in one and "/b/" in one for one in result.messages)
    kept = convert_layout("dicom", tmp_path / "in", out=tmp_path / "kept", keep_unlabelled=True)
    assert (kept.pairs, kept.unlabelled) == (1, 1)
    assert len(list((kept.dataset / "imagesUnlabelled").iterdir())) == 1


def test_text_in_the_pixels_is_pointed_out_where_the_header_owns_up(tmp_path: Path, dicom: SimpleNamespace) -> None:
    slices = dicom.series(tmp_path / "in", change=lambda _, one: setattr(one, "BurnedInAnnotation", "YES"))
    dicom.segmentation(tmp_path / "in" / "seg", slices, _masks(dicom.shape))
    messages = convert_layout("dicom", tmp_path / "in", out=tmp_path / "out").messages
    assert any("1 series say that text is burnt into their pixels" in message for message in messages)


def test_several_segmentations_of_a_series_are_joined(tmp_path: Path, dicom: SimpleNamespace) -> None:
    slices = dicom.series(tmp_path / "in")
    masks = _masks(dicom.shape)
    dicom.segmentation(tmp_path / "in" / "s1", slices, {"Liver": masks["Liver"]})
    dicom.segmentation(tmp_path / "in" / "s2", slices, {"Tumour": masks["Tumour"]})
    result = convert_layout("dicom", tmp_path / "in", out=tmp_path / "out")
    dataset = open_dataset(result.dataset)
    assert dataset.label_names == ("background", "Liver", "Tumour")
    label = dataset.read_label(dataset.cases[0])
    expected = 1 * masks["Liver"] + 2 * masks["Tumour"]
    assert np.array_equal(label, expected.transpose(1, 0, 2))


def test_two_drawings_of_one_label_are_refused(tmp_path: Path, dicom: SimpleNamespace) -> None:
    slices = dicom.series(tmp_path / "in")
    for name in ("s1", "s2"):
        dicom.segmentation(tmp_path / "in" / name, slices, {"Liver": _masks(dicom.shape)["Liver"]})
    with pytest.raises(UserError, match=r's2 and .*s1 both show "Liver" in the same voxels'):
        convert_layout("dicom", tmp_path / "in", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_overlap_is_refused_or_decided(tmp_path: Path, dicom: SimpleNamespace) -> None:
    slices = dicom.series(tmp_path / "in")
    masks = _masks(dicom.shape)
    masks["Tumour"] = np.zeros_like(masks["Liver"])
    masks["Tumour"][3:5, 2, 2] = True
    dicom.segmentation(tmp_path / "in" / "seg", slices, masks)
    with pytest.raises(UserError, match=r'"Liver" overlap: say which wins, with --priority'):
        convert_layout("dicom", tmp_path / "in", out=tmp_path / "out")
    for priority, id_there in ((("tumour", "liver"), 2), (("Liver", "Tumour"), 1)):
        out = tmp_path / priority[0]
        dataset = open_dataset(convert_layout("dicom", tmp_path / "in", out=out, priority=priority).dataset)
        label = dataset.read_label(dataset.cases[0])
        assert label[2, 3, 2] == id_there
        assert label[2, 4, 2] == 2
    with pytest.raises(UserError, match="--priority spleen: name labels once each, out of Liver, Tumour"):
        convert_layout("dicom", tmp_path / "in", out=tmp_path / "out", priority=["spleen"])


def test_a_segmentation_is_found_by_its_place_alone(tmp_path: Path, dicom: SimpleNamespace) -> None:
    """It refers to a series that was renumbered since; a second series of the same patient lies elsewhere."""

    def forget(one: Any) -> None:
        one.ReferencedSeriesSequence[0].SeriesInstanceUID = "1.2.3"

    slices = dicom.series(tmp_path / "in" / "a")
    uids = {key: slices[0].get(key) for key in ("StudyInstanceUID", "FrameOfReferenceUID")}
    dicom.series(tmp_path / "in" / "b", dicom.stored(3), uids=uids, step=3.0)
    dicom.segmentation(tmp_path / "in" / "seg", slices, _masks(dicom.shape), change=forget)
    result = convert_layout("dicom", tmp_path / "in", out=tmp_path / "out")
    dataset = open_dataset(result.dataset)
    assert np.array_equal(dataset.read_image(dataset.cases[0])[0].T, dicom.stored().transpose(2, 0, 1) - 1024.0)
    dicom.series(tmp_path / "in" / "c", dicom.stored(4), uids=uids)
    with pytest.raises(UserError, match="refers to none of the series here and fits several"):
        convert_layout("dicom", tmp_path / "in", out=tmp_path / "twice")
    for folder in "ac":
        for path in (tmp_path / "in" / folder).iterdir():
            path.unlink()
    with pytest.raises(UserError, match="seg segments a series that is not here"):
        convert_layout("dicom", tmp_path / "in", out=tmp_path / "none")


def test_modalities_are_not_mixed(tmp_path: Path, dicom: SimpleNamespace) -> None:
    for modality in ("CT", "MR"):
        slices = dicom.series(tmp_path / "in" / modality, modality=modality)
        dicom.segmentation(tmp_path / "in" / modality / "seg", slices, _masks(dicom.shape))
    with pytest.raises(UserError, match=r"is CT but .* is MR: convert each modality"):
        convert_layout("dicom", tmp_path / "in", out=tmp_path / "out")


def test_what_is_no_dicom_archive_is_said(tmp_path: Path, dicom: SimpleNamespace) -> None:
    with pytest.raises(UserError, match="does not exist or is no folder"):
        convert_layout("dicom", tmp_path / "absent", out=tmp_path / "out")
    dicom.series(tmp_path / "in")
    with pytest.raises(UserError, match="holds 1 series of images but no DICOM SEG object"):
        convert_layout("dicom", tmp_path / "in", out=tmp_path / "out")
    (tmp_path / "in" / "broken.dcm").write_bytes(b"no")
    with pytest.raises(UserError, match=r"broken\.dcm is damaged or no DICOM file"):
        convert_layout("dicom", tmp_path / "in", out=tmp_path / "out")


def test_without_the_extra_one_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydicom", None)
    (tmp_path / "IM0").write_bytes(b"\0" * 128 + b"DICM")
    with pytest.raises(UserError, match=r"needs pydicom: install it with pip install 'segmint\[dicom\]'\.$"):
        convert_layout("dicom", tmp_path, out=tmp_path / "out")


def test_options_are_for_layouts_that_have_them(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--keep-unlabelled: the layout segthor leaves no such choice"):
        convert_layout("segthor", tmp_path, out=tmp_path / "out", keep_unlabelled=True)
    with pytest.raises(UserError, match="--priority a,b: the layout segthor leaves no such choice"):
        convert_layout("segthor", tmp_path, out=tmp_path / "out", priority=["a", "b"])


@pytest.mark.slow
def test_recipes_learn_from_it(hospital: Path, check_trains: Callable[..., None]) -> None:
    check_trains("dicom", hospital, "joint-stylegan2")
