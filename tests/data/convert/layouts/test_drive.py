"""DRIVE: the field of view is a condition, the owners' test images are the test part."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmint.data.convert import convert_layout
from segmint.data.dataset import open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.errors import UserError

Drawn = Mapping[str, Callable[..., np.ndarray]]


def test_images_masks_and_field_of_view(drive: Path, drawn: Drawn, tmp_path: Path) -> None:
    result = convert_layout("drive", drive, out=tmp_path / "out")
    assert (result.pairs, result.subjects, result.subject_kind) == (11, 11, "image")
    dataset = open_dataset(result.dataset)
    assert dataset.conditions == {"foreground": ("background", "foreground")}
    assert dataset.subject_kind == "image"
    assert [case.id for case in dataset.cases[:4]] == ["01_test", "02_test", "03_test", "21_training"]
    for case in dataset.cases:
        number = int(case.subject)
        assert np.array_equal(dataset.read_image(case), np.moveaxis(drawn["picture"](number, 3), -1, 0))
        assert np.array_equal(dataset.read_label(case), drawn["mask"](number))
        assert np.array_equal(dataset.read_condition(case, "foreground"), drawn["mask"](number + 100))
    split = dataset.split
    assert split is not None
    assert split.test == ("01", "02", "03")
    assert (len(split.train), len(split.validation)) == (7, 1)
    assert inspect_dataset(result.dataset)["problems"] == []


def test_newer_archives_lack_the_test_masks(drive: Path, tmp_path: Path) -> None:
    shutil.rmtree(drive / "test" / "1st_manual")
    result = convert_layout("drive", drive, out=tmp_path / "out")
    assert result.pairs == 8
    assert "8 pairs of 8 images, and 3 images without masks" in result.messages[0]
    assert "The test images come without masks and are kept as unlabelled images." in result.messages
    dataset = open_dataset(result.dataset)
    assert dataset.split is None
    assert (result.dataset / "imagesUnlabelled" / "01_test_0000.png").is_file()
    assert inspect_dataset(result.dataset)["unlabelled_images"] == 3
    shutil.rmtree(drive / "test")
    assert convert_layout("drive", drive, out=tmp_path / "training-only").pairs == 8


def test_a_given_subject_makes_subjects(drive: Path, tmp_path: Path) -> None:
    result = convert_layout("drive", drive, out=tmp_path / "out", subject=r"(\d+)_", licence="mine")
    dataset = open_dataset(result.dataset)
    assert (dataset.subject_kind, dataset.licence) == ("subject", "mine")
    with pytest.raises(UserError, match=r'The subject "1" is in the training and in the test part'):
        convert_layout("drive", drive, out=tmp_path / "other", subject=r"(\d)_t")
    with pytest.raises(UserError, match=r'finds nothing in "training/images/21_training\.tif"'):
        convert_layout("drive", drive, out=tmp_path / "other", subject="patient")


def test_what_is_wrong_is_said_in_one_sentence(drive: Path, tmp_path: Path) -> None:
    path = drive / "training" / "mask" / "22_training_mask.gif"
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(path)
    with pytest.raises(UserError, match=r"The foreground of .*22_training\.tif \(22_training\) has the shape 5 x 5"):
        convert_layout("drive", drive, out=tmp_path / "out")
    path.unlink()
    with pytest.raises(UserError, match=r"22_training_mask\.gif is missing, but its image is there"):
        convert_layout("drive", drive, out=tmp_path / "out")
    shutil.rmtree(drive / "training" / "images")
    with pytest.raises(UserError, match="holds no training/images: give the folder"):
        convert_layout("drive", drive, out=tmp_path / "out")


@pytest.mark.slow
def test_recipes_learn_from_it(drive: Path, check_trains: Callable[..., None]) -> None:
    check_trains("drive", drive, "vessgan", "vess2image")
