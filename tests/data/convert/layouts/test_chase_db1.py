"""CHASE_DB1: children are subjects, either observer can be the label."""

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


@pytest.mark.parametrize(("observer", "offset"), [(None, 0), (1, 0), (2, 100)])
def test_images_are_decoded_and_children_are_subjects(
    chase: Path, drawn: Drawn, tmp_path: Path, observer: int | None, offset: int
) -> None:
    result = convert_layout("chase-db1", chase, out=tmp_path / "out", observer=observer)
    assert (result.pairs, result.subjects, result.subject_kind) == (6, 3, "subject")
    assert "There are 6 images here; the original has 28." in result.messages
    dataset = open_dataset(result.dataset)
    assert [case.id for case in dataset.cases[:3]] == ["Image_01L", "Image_01R", "Image_02L"]
    assert dataset.subjects == ("01", "02", "14")
    assert (dataset.channel_names, dataset.rgb) == (("red", "green", "blue"), True)
    assert (dataset.label_names, dataset.licence) == (("background", "vessel"), "CC BY 4.0")
    for number, case in enumerate(dataset.cases):
        decoded = np.asarray(Image.open(chase / f"{case.id}.jpg"))
        assert np.array_equal(dataset.read_image(case), np.moveaxis(decoded, -1, 0))
        assert np.array_equal(dataset.read_label(case), drawn["mask"](number + offset))
    assert inspect_dataset(result.dataset)["problems"] == []


def test_the_folder_around_the_files_will_do(chase: Path, tmp_path: Path) -> None:
    assert convert_layout("chase-db1", chase.parent, out=tmp_path / "out").pairs == 6


def test_what_is_wrong_is_said_in_one_sentence(chase: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there are two observers, 1 and 2"):
        convert_layout("chase-db1", chase, out=tmp_path / "out", observer=3)
    (chase / "Image_02L_1stHO.png").unlink()
    with pytest.raises(UserError, match=r"Image_02L_1stHO\.png is missing, but its image is there"):
        convert_layout("chase-db1", chase, out=tmp_path / "out")
    (chase / "Image_01R.jpg").write_bytes(b"\xff\xd8broken")
    with pytest.raises(UserError, match=r"Image_01R\.jpg is damaged"):
        convert_layout("chase-db1", chase, out=tmp_path / "out", observer=2)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_real_one(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    result = convert_layout("chase-db1", real_data("chase-db1"), out=tmp_path / "out")
    assert (result.pairs, result.subjects) == (28, 14)
    assert not any("the original has" in message for message in result.messages)
    dataset = open_dataset(result.dataset)
    assert dataset.shape(dataset.cases[0]) == (960, 999)
    assert 0.05 < dataset.read_label(dataset.cases[0]).mean() < 0.1


@pytest.mark.slow
def test_recipes_learn_from_it(chase: Path, check_trains: Callable[..., None]) -> None:
    check_trains("chase-db1", chase, "vess2image")
