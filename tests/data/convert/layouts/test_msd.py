"""Medical Segmentation Decathlon: 4-D files come apart into channels."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.data.convert import convert_layout
from segmint.data.dataset import open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.errors import UserError

AFFINE = np.array([[0.625, 0, 0, -90], [0, 0.625, 0, -120], [0, 0, 3.6, 40], [0, 0, 0, 1]])
SHAPE = (10, 12, 5)
IDS = (0, 1, 12)


def volume(number: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(number)
    return rng.random((*SHAPE, 2)).astype(np.float32), rng.integers(0, 3, SHAPE).astype(np.uint8)


@pytest.fixture
def prostate(tmp_path: Path, write_nifti: Callable[..., Any]) -> Path:
    """Three training cases and a test case of two contrasts, as in Task05."""
    root = tmp_path / "Task05_Prostate"
    for number in (*IDS, 3):
        image, label = volume(number)
        folder = "Tr" if number in IDS else "Ts"
        write_nifti(root / f"images{folder}" / f"prostate_{number:02d}.nii.gz", image, AFFINE)
        if number in IDS:
            write_nifti(root / "labelsTr" / f"prostate_{number:02d}.nii.gz", label, AFFINE)
    (root / "imagesTr" / "._prostate_00.nii.gz").write_bytes(b"left by an archive")
    (root / "imagesTs" / "._prostate_03.nii.gz").write_bytes(b"left by an archive")
    names = [f"prostate_{number:02d}.nii.gz" for number in IDS]
    content = {
        "name": "PROSTATE",
        "tensorImageSize": "4D",
        "licence": "CC-BY-SA 4.0",
        "modality": {"0": "T2", "1": "ADC"},
        "labels": {"0": "background", "1": "PZ", "2": "TZ"},
        "numTraining": 3,
        "training": [{"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"} for name in names],
        "test": ["./imagesTs/prostate_03.nii.gz"],
    }
    (root / "dataset.json").write_text(json.dumps(content))
    return root


def test_channels_licence_and_place(prostate: Path, tmp_path: Path, check_in_place: Callable[..., None]) -> None:
    result = convert_layout("msd", prostate, out=tmp_path / "out")
    assert (result.pairs, result.subjects) == (3, 3)
    dataset = open_dataset(result.dataset)
    assert (dataset.channel_names, dataset.label_names) == (("T2", "ADC"), ("background", "PZ", "TZ"))
    assert dataset.licence == "CC-BY-SA 4.0"
    for number, case in zip(IDS, dataset.cases, strict=True):
        image, label = volume(number)
        assert np.array_equal(dataset.read_image(case), np.moveaxis(image, -1, 0))
        assert np.array_equal(dataset.read_label(case), label)
    unlabelled = sorted(path.name for path in (result.dataset / "imagesUnlabelled").iterdir())
    assert unlabelled == ["prostate_03_0000.nii.gz", "prostate_03_0001.nii.gz"]
    check_in_place(result.dataset, AFFINE)
    assert inspect_dataset(result.dataset)["problems"] == []


def test_what_is_wrong_is_said_in_one_sentence(prostate: Path, tmp_path: Path, write_nifti: Callable[..., Any]) -> None:
    write_nifti(prostate / "imagesTr" / "prostate_12.nii.gz", volume(12)[0][..., 0], AFFINE)
    with pytest.raises(UserError, match=r"prostate_12\.nii\.gz has 1 channels but dataset\.json names 2"):
        convert_layout("msd", prostate, out=tmp_path / "out")
    (prostate / "dataset.json").write_text(
        '{"channel_names": {"0": "a"}, "labels": {"background": 0, "b": 1},"file_ending": ".nii.gz", "numTraining": 1}'
    )
    with pytest.raises(UserError, match="convert it as nnunet instead of msd"):
        convert_layout("msd", prostate, out=tmp_path / "out")


@pytest.mark.slow
def test_the_real_one(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    source = real_data("msd-hippocampus")
    result = convert_layout("msd", source, out=tmp_path / "out")
    assert (result.pairs, result.subjects) == (120, 120)
    dataset, original = open_dataset(result.dataset), open_dataset(source)
    assert dataset.label_names == ("background", "anterior", "posterior")
    for case, before in zip(dataset.cases[::30], original.cases[::30], strict=True):
        assert np.array_equal(dataset.read_image(case), original.read_image(before))
        assert np.array_equal(dataset.read_label(case), original.read_label(before))


@pytest.mark.slow
def test_recipes_learn_from_it(prostate: Path, check_trains: Callable[..., None]) -> None:
    check_trains("msd", prostate, "joint-stylegan2")
