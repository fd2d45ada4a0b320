"""Images of folders that have no mask."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.data.convert.pictures import disc, grey, save

from segmint.data.convert import convert_folders
from segmint.data.dataset import open_dataset
from segmint.errors import UserError


def test_images_without_a_mask_are_kept_on_request(two_folders: Path) -> None:
    (two_folders / "masks" / "b.png").unlink()
    arguments = {"images": two_folders / "images", "masks": two_folders / "masks", "out": two_folders / "out"}
    with pytest.raises(UserError, match="--keep-unlabelled"):
        convert_folders(**arguments)
    result = convert_folders(**arguments, keep_unlabelled=True)
    assert (result.pairs, result.subjects, result.unlabelled) == (2, 2, 1)
    assert "1 image without a mask went to imagesUnlabelled." in result.messages
    dataset = open_dataset(result.dataset)
    assert [case.id for case in dataset.cases] == ["a", "c"]
    assert [(case.id, case.subject) for case in dataset.unlabelled] == [("b", "b")]
    stored = np.array(Image.open(two_folders / "images" / "b.png"))
    assert np.array_equal(dataset.read_image(dataset.unlabelled[0])[0], stored)


def test_unlabelled_images_of_a_tree_have_its_subjects(tmp_path: Path) -> None:
    for patient in ("p1", "p2"):
        save(tmp_path / "in" / patient / "1.png", grey())
        save(tmp_path / "in" / patient / "2.png", grey())
        save(tmp_path / "in" / patient / "1_mask.png", disc())
    dataset = open_dataset(convert_folders(tmp_path / "in", out=tmp_path / "out", keep_unlabelled=True).dataset)
    assert [(case.id, case.subject) for case in dataset.unlabelled] == [("p1_2", "p1"), ("p2_2", "p2")]


def test_images_alone_are_no_dataset(two_folders: Path) -> None:
    for path in list((two_folders / "masks").iterdir()):
        path.rename(path.with_name(f"x-{path.name}"))
    with pytest.raises(UserError, match=r"No image in .* has a mask"):
        convert_folders(two_folders / "images", two_folders / "masks", out=two_folders / "out", keep_unlabelled=True)
