"""Codes in place of names, and nothing of the names in any byte of a dataset."""

from __future__ import annotations

import gzip
import json
import stat
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from segmint.cli.main import main
from segmint.data.convert import Pseudonyms, convert_folders, convert_layout
from segmint.data.convert.pseudonyms import Name, numbered
from segmint.data.dataset import open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.errors import UserError


def _leaks(folder: Path, secrets: Iterable[str]) -> list[str]:
    """Which of the strings stand in any name or byte of a folder, packed or not, in any case."""
    found = []
    for path in [folder, *folder.rglob("*")]:
        content = path.name.encode() if path == folder else str(path.relative_to(folder)).encode()
        if path.is_file():
            content += path.read_bytes()
            content += gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else b""
        found += [f"{secret} in {path}" for secret in secrets if secret.lower().encode() in content.lower()]
    return found


@pytest.fixture
def wards(tmp_path: Path) -> Path:
    """Two patients in folders of their names, PNG with a text, masks beside the images."""
    for patient in ("Jane_Doe", "Max_Muster"):
        for number in (1, 2):
            path = tmp_path / "in" / patient / f"{patient}_{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            texts = PngInfo()
            texts.add_text("Comment", f"{patient} born 1961-02-03")
            pixels = np.random.default_rng([number, len(patient)]).integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(path, pnginfo=texts)
            Image.fromarray((pixels > 99).astype(np.uint8)).save(path.with_name(f"{patient}_{number}_mask.png"))
    return tmp_path / "in"


def test_names_become_codes_that_the_key_explains(wards: Path, tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    result = convert_folders(wards, out=tmp_path / "out", pseudonyms=Pseudonyms(key))
    dataset = open_dataset(result.dataset)
    assert len(dataset.subjects) == 2
    assert _leaks(result.dataset, ["jane", "doe", "muster", "1961"]) == []
    assert inspect_dataset(result.dataset)["problems"] == []
    told = json.loads(key.read_text())
    assert set(told["subjects"].values()) == {"Jane_Doe", "Max_Muster"}
    assert set(told["subjects"]) == set(dataset.subjects)
    for case in dataset.cases:
        source = told["cases"][case.id]["from"]
        assert told["subjects"][case.subject] == source.split("/")[0]
        pixels = np.asarray(Image.open(wards / source))
        assert np.array_equal(dataset.read_image(case)[0], pixels)
        assert np.array_equal(dataset.read_label(case), pixels > 99)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert told["salt"] not in (result.dataset / "segmint.json").read_text()


def test_codes_are_those_of_an_earlier_key_or_new(wards: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    ids = {}
    for name, pseudonyms in {
        "one": Pseudonyms(first),
        "same": Pseudonyms(second, salt_of=first),
        "new": Pseudonyms(),
    }.items():
        dataset = open_dataset(convert_folders(wards, out=tmp_path / name, pseudonyms=pseudonyms).dataset)
        ids[name] = [(case.id, case.subject) for case in dataset.cases]
    assert ids["one"] == ids["same"]
    assert not {one for pair in ids["one"] for one in pair} & {one for pair in ids["new"] for one in pair}
    assert json.loads(second.read_text()) == json.loads(first.read_text())


def test_the_key_stays_out_of_the_dataset_and_is_not_overwritten(wards: Path, tmp_path: Path) -> None:
    there = tmp_path / "there.json"
    there.write_text("{}")
    (tmp_path / "out").mkdir()
    for pseudonyms, said in (
        (Pseudonyms(there), "exists already"),
        (Pseudonyms(tmp_path / "out" / "key.json"), "would lie in the dataset"),
        (Pseudonyms(tmp_path / "no" / "key.json"), "make the folder"),
        (Pseudonyms(salt_of=there), "holds no salt"),
        (Pseudonyms(salt_of=tmp_path / "absent"), "does not exist"),
    ):
        with pytest.raises(UserError, match=said):
            convert_folders(wards, out=tmp_path / "out", pseudonyms=pseudonyms)
    assert there.read_text() == "{}"
    assert not any((tmp_path / "out").iterdir())


def test_a_failed_conversion_leaves_no_key(wards: Path, tmp_path: Path) -> None:
    path = wards / "Jane_Doe" / "Jane_Doe_1.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(UserError, match="damaged"):
        convert_folders(wards, out=tmp_path / "out", pseudonyms=Pseudonyms(tmp_path / "key.json"))
    assert not (tmp_path / "key.json").exists()


def test_volumes_and_the_owners_split_are_coded_too(tmp_path: Path) -> None:
    for patient in ("TCGA_CS_4941_19960909", "TCGA_DU_5854_19951104"):
        (tmp_path / "in" / patient).mkdir(parents=True)
        for number in (1, 2):
            pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "in" / patient / f"{patient}_{number}.tif")
            Image.fromarray(pixels[..., 0] // 128 * np.uint8(255)).save(
                tmp_path / "in" / patient / f"{patient}_{number}_mask.tif"
            )
    key = tmp_path / "key.json"
    result = convert_layout("lgg", tmp_path / "in", out=tmp_path / "out", pseudonyms=Pseudonyms(key))
    dataset = open_dataset(result.dataset)
    assert _leaks(result.dataset, ["tcga", "4941", "1996"]) == []
    assert {case.volume for case in dataset.cases} == set(json.loads(key.read_text())["volumes"])
    assert sorted({case.slice for case in dataset.cases}) == [1, 2]


def test_counted_codes_are_stable_and_tell_nothing_of_the_order() -> None:
    names = [Name(f"case-of-{who}-{number}", who) for who in ("anna", "bert", "carl") for number in (1, 2)]
    codes = numbered(names)
    assert codes.cases == numbered(names[::-1]).cases
    assert set(codes.subjects.values()) == {"subject-001", "subject-002", "subject-003"}
    for name in names:
        assert codes.of(name).case.startswith(codes.of(name).subject)
    assert len(set(codes.cases.values())) == 6


def test_nothing_of_a_dicom_header_reaches_a_dataset(
    tmp_path: Path, dicom: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through the command line, counted and coded; the strings are in every input file, so the search would find them."""
    person = {key: value for key, value in dicom.person.items()}
    mask = np.zeros(dicom.shape, bool)
    mask[2, 3, 1] = True
    slices = dicom.series(tmp_path / "in" / "DOE_JANE")
    dicom.segmentation(tmp_path / "in" / "DOE_JANE" / "seg", slices, {"Lesion": mask})
    secrets = [
        *person.values(),
        "Doe",
        "Jane",
        "7731",
        "Nimmerlein",
        "Salbader",
        "Elm Street",
        slices[0].StudyInstanceUID,
    ]
    secrets += [str(slices[0].SeriesInstanceUID), str(slices[0].SOPInstanceUID), str(slices[0].FrameOfReferenceUID)]
    assert len(_leaks(tmp_path / "in", person.values())) >= len(person)
    convert = ["data", "convert", "dicom", str(tmp_path / "in"), "--out"]
    assert main([*convert, str(tmp_path / "counted")]) == 0
    said = capsys.readouterr().out
    assert not any(secret in said for secret in secrets if secret not in str(tmp_path))
    assert main([*convert, str(tmp_path / "coded"), "--key", str(tmp_path / "key.json")]) == 0
    for name in ("counted", "coded"):
        assert _leaks(tmp_path / name, secrets) == []
        assert len(list((tmp_path / name).rglob("*.nii.gz"))) == 2
    told = json.loads((tmp_path / "key.json").read_text())
    assert list(told["subjects"].values()) == [person["PatientID"]]
    for path in (tmp_path / "coded").rglob("*.nii.gz"):
        header = nibabel.load(path).header
        assert not any(header[text].item() for text in ("descrip", "aux_file", "intent_name", "db_name", "data_type"))
        assert not header.extensions
