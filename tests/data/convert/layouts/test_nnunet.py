"""nnU-Net v2: a copy that knows its subjects."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmint.data.convert import convert_layout
from segmint.data.dataset import open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.errors import UserError

AFFINE = np.array([[0.0, 0, 3, -9], [0.8, 0, 0, 5], [0, -0.8, 0, 2], [0, 0, 0, 1]])
SHAPE = (8, 9, 5)


def describe(root: Path, ending: str, *channels: str, labels: dict[str, Any] | None = None) -> None:
    content = {
        "channel_names": {str(number): name for number, name in enumerate(channels)},
        "labels": labels or {"background": 0, "whole": [1, 2], "core": 2},
        "numTraining": 4,
        "file_ending": ending,
        "overwrite_image_reader_writer": "SimpleITKIO",
    }
    (root / "dataset.json").write_text(json.dumps(content))


@pytest.fixture
def raw(tmp_path: Path, write_nifti: Callable[..., Any]) -> Path:
    """Two visits of two subjects, and a third in the test part, in two contrasts."""
    root = tmp_path / "Dataset101_Brains"
    for seed, case in enumerate(("anna_v1", "anna_v2", "bert_v1", "bert_v2", "carl_v1")):
        rng = np.random.default_rng(seed)
        part = "Ts" if case.startswith("carl") else "Tr"
        for channel in range(2):
            array = rng.integers(0, 900, SHAPE).astype(np.int16)
            write_nifti(root / f"images{part}" / f"{case}_{channel:04d}.nii.gz", array, AFFINE)
        write_nifti(root / f"labels{part}" / f"{case}.nii.gz", rng.integers(0, 3, SHAPE).astype(np.uint8), AFFINE)
    describe(root, ".nii.gz", "T1", "FLAIR")
    return root


def test_label_ids_with_gaps_are_numbered_anew(raw: Path, tmp_path: Path, write_nifti: Callable[..., Any]) -> None:
    """Which a dataset of ours, and nnU-Net itself, does not take."""
    describe(raw, ".nii.gz", "T1", "FLAIR", labels={"background": 0, "tumour": 9, "edema": 4})
    stored = np.array([0, 4, 9], dtype=np.uint8)
    masks = {path: np.random.default_rng(7).integers(0, 3, SHAPE) for path in sorted(raw.glob("labels*/*"))}
    for path, ids in masks.items():
        write_nifti(path, stored[ids], AFFINE)
    with pytest.raises(
        UserError, match=r"the label ids 0, 4, 9: .*: `segmint data convert nnunet .* numbers them anew"
    ):
        open_dataset(raw)
    result = convert_layout("nnunet", raw, out=tmp_path / "out")
    assert (
        "Label ids were numbered anew, without gaps: 0 -> 0 background, 4 -> 1 edema, 9 -> 2 tumour." in result.messages
    )
    dataset = open_dataset(result.dataset)
    assert dataset.label_names == ("background", "edema", "tumour")
    for case in dataset.cases:
        assert np.array_equal(dataset.read_label(case), next(iter(masks.values())))


def test_a_copy_with_subjects_and_test_part(raw: Path, tmp_path: Path, check_in_place: Callable[..., None]) -> None:
    result = convert_layout("nnunet", raw, out=tmp_path / "out", subject=r"(\w+)_v\d", licence="CC BY 4.0")
    assert (result.pairs, result.subjects, result.subject_kind) == (5, 3, "subject")
    dataset = open_dataset(result.dataset)
    assert dataset.subjects == ("anna", "bert", "carl")
    assert dataset.split is not None
    assert dataset.split.test == ("carl",)
    assert (dataset.channel_names, dataset.licence) == (("T1", "FLAIR"), "CC BY 4.0")
    assert dataset.label_names == ("background", "whole", "core")
    for seed, case in enumerate(dataset.cases):
        rng = np.random.default_rng(seed)
        assert np.array_equal(dataset.read_image(case), [rng.integers(0, 900, SHAPE) for _ in range(2)])
        assert np.array_equal(dataset.read_label(case), rng.integers(0, 3, SHAPE))
    check_in_place(result.dataset, AFFINE)
    assert inspect_dataset(result.dataset)["problems"] == []


def test_without_subjects_or_test_masks(raw: Path, tmp_path: Path) -> None:
    (raw / "labelsTs" / "carl_v1.nii.gz").unlink()
    (raw / "labelsTs").rmdir()
    result = convert_layout("nnunet", raw, out=tmp_path / "out")
    assert (result.pairs, result.subjects, result.subject_kind) == (4, 4, "image")
    assert "say so with --subject" in " ".join(result.messages)
    assert open_dataset(result.dataset).split is None
    assert (result.dataset / "imagesUnlabelled" / "carl_v1_0001.nii.gz").is_file()


@pytest.mark.parametrize("packed", [True, False])
def test_pictures(tmp_path: Path, packed: bool) -> None:
    """Three channels in one RGB file, or in three 16-bit files."""
    root, rng = tmp_path / "Dataset120_Roads", np.random.default_rng(0)
    for folder in ("imagesTr", "labelsTr"):
        (root / folder).mkdir(parents=True)
    image = rng.integers(0, 256 if packed else 60000, (3, 6, 8)).astype(np.uint8 if packed else np.uint16)
    if packed:
        Image.fromarray(np.moveaxis(image, 0, -1).copy()).save(root / "imagesTr" / "a_0000.png")
    else:
        for number, channel in enumerate(image):
            Image.fromarray(channel).save(root / "imagesTr" / f"a_{number:04d}.png")
    Image.fromarray((image[0] % 2).astype(np.uint8)).save(root / "labelsTr" / "a.png")
    describe(root, ".png", "R", "G", "B", labels={"background": 0, "road": 1})
    dataset = open_dataset(convert_layout("nnunet", root, out=tmp_path / "out").dataset)
    assert dataset.rgb == packed
    assert np.array_equal(dataset.read_image(dataset.cases[0]), image)
    assert np.array_equal(dataset.read_label(dataset.cases[0]), image[0] % 2)


def test_what_is_wrong_is_said_in_one_sentence(raw: Path, tmp_path: Path) -> None:
    done = convert_layout("nnunet", raw, out=tmp_path / "out").dataset
    with pytest.raises(UserError, match="is a dataset of ours already"):
        convert_layout("nnunet", done, out=tmp_path / "again")
    describe(raw, ".nii.gz", "T1", "FLAIR", labels={"background": 0, "core": 1})
    with pytest.raises(UserError, match=r"anna_v1\.nii\.gz holds the value 2, but its labels are 0, 1"):
        convert_layout("nnunet", raw, out=tmp_path / "again")
    (raw / "imagesTr" / "bert_v1_0001.nii.gz").unlink()
    with pytest.raises(UserError, match=r"bert_v1_0001\.nii\.gz is missing"):
        convert_layout("nnunet", raw, out=tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.slow
def test_recipes_learn_from_it(raw: Path, check_trains: Callable[..., None]) -> None:
    check_trains("nnunet", raw, "joint-stylegan2")
