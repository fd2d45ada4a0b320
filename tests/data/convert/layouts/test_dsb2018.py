"""Data Science Bowl 2018: nuclei in one mask, or in one mask each."""

from __future__ import annotations

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


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def stage1(tmp_path: Path, drawn: Drawn) -> Path:
    """A folder an image: opaque RGBA of equal channels, an 8-bit mask of 0 and 255 for every nucleus."""
    root = tmp_path / "dsb"
    for number, name in enumerate(("00ae65", "1a11b5", "ffe55d")):
        grey = drawn["picture"](number)
        opaque = np.full_like(grey, 255)
        folder = root / "stage1_train" / name
        save(folder / "images" / f"{name}.png", np.stack([grey, grey, grey, opaque], axis=-1))
        for nucleus, half in enumerate((np.s_[:, :12], np.s_[:, 12:])):
            mask = np.zeros(grey.shape, np.uint8)
            mask[half] = 255 * drawn["mask"](number)[half]
            save(folder / "masks" / f"{name}_{nucleus}.png", mask)
    return root


def test_nuclei_are_merged_and_equal_channels_become_one(stage1: Path, drawn: Drawn, tmp_path: Path) -> None:
    result = convert_layout("dsb2018", stage1, out=tmp_path / "out")
    assert (result.pairs, result.subject_kind) == (3, "image")
    dataset = open_dataset(result.dataset)
    assert dataset.channel_names == ("microscopy",)
    for number, case in enumerate(dataset.cases):
        assert np.array_equal(dataset.read_image(case)[0], drawn["picture"](number))
        assert np.array_equal(dataset.read_label(case), drawn["mask"](number))
    assert inspect_dataset(result.dataset)["problems"] == []


def test_one_stained_image_makes_all_of_them_colour(stage1: Path, drawn: Drawn, tmp_path: Path) -> None:
    stained = drawn["picture"](7, 3)
    save(stage1 / "stage1_train" / "1a11b5" / "images" / "1a11b5.png", stained)
    dataset = open_dataset(convert_layout("dsb2018", stage1, out=tmp_path / "out").dataset)
    assert (dataset.channel_names, dataset.rgb) == (("red", "green", "blue"), True)
    assert np.array_equal(dataset.read_image(dataset.cases[1]), np.moveaxis(stained, -1, 0))
    assert np.array_equal(dataset.read_image(dataset.cases[0]), np.stack([drawn["picture"](0)] * 3))


def test_two_folders(tmp_path: Path, drawn: Drawn) -> None:
    for number in range(2):
        save(tmp_path / "set" / "images" / f"n{number}.png", drawn["picture"](number))
        save(tmp_path / "set" / "masks" / f"n{number}.png", drawn["mask"](number) * np.uint8(255))
    dataset = open_dataset(convert_layout("dsb2018", tmp_path / "set", out=tmp_path / "out").dataset)
    for number, case in enumerate(dataset.cases):
        assert np.array_equal(dataset.read_image(case)[0], drawn["picture"](number))
        assert np.array_equal(dataset.read_label(case), drawn["mask"](number))


def test_what_is_wrong_is_said_in_one_sentence(stage1: Path, tmp_path: Path) -> None:
    mask = stage1 / "stage1_train" / "ffe55d" / "masks" / "ffe55d_1.png"
    save(mask, np.zeros((5, 5), np.uint8))
    with pytest.raises(UserError, match=r"ffe55d_1\.png does not have the shape of .*ffe55d\.png"):
        convert_layout("dsb2018", stage1, out=tmp_path / "out")
    (stage1 / "stage1_train" / "ffe55d" / "images" / "ffe55d.png").unlink()
    with pytest.raises(UserError, match=r"ffe55d\.png is missing"):
        convert_layout("dsb2018", stage1, out=tmp_path / "out")


@pytest.mark.slow
def test_the_real_one(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    result = convert_layout("dsb2018", real_data("dsb2018"), out=tmp_path / "out")
    assert (result.pairs, result.subject_kind) == (150, "image")
    dataset = open_dataset(result.dataset)
    assert dataset.shape(dataset.cases[0]) == (256, 256)
    assert 0.01 < np.mean([dataset.read_label(case).mean() for case in dataset.cases]) < 0.5
    assert inspect_dataset(result.dataset)["problems"] == []


@pytest.mark.slow
def test_recipes_learn_from_it(stage1: Path, check_trains: Callable[..., None]) -> None:
    check_trains("dsb2018", stage1, "joint-stylegan2")
