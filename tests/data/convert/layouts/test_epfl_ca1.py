"""EPFL CA1: multi-page stacks, parted into blocks, the owners' testing stack as test part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import tifffile

from segmint.data.convert import convert_layout
from segmint.data.dataset import open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.errors import UserError

Drawn = Mapping[str, Callable[..., np.ndarray]]


def test_pages_are_slices(epfl: Path, drawn: Drawn, tmp_path: Path) -> None:
    result = convert_layout("epfl-ca1", epfl, out=tmp_path / "out")
    assert (result.pairs, result.subjects, result.subject_kind) == (18, 8, "block")
    dataset = open_dataset(result.dataset)
    for case in dataset.cases:
        seed = case.slice + (50 if case.volume == "testing" else 0)
        assert case.id == f"{case.volume}_{case.slice:03d}"
        assert np.array_equal(dataset.read_image(case)[0], drawn["picture"](seed))
        assert np.array_equal(dataset.read_label(case), drawn["mask"](seed))
    split = dataset.split
    assert split is not None
    assert split.test == tuple(f"testing-block{number}" for number in range(1, 5))
    assert len(split.train) == 3
    assert len(split.validation) == 1
    assert inspect_dataset(result.dataset)["problems"] == []


@pytest.mark.parametrize(
    "arguments",
    [{"imagej": True}, {"photometric": "minisblack"}, {"compression": "zlib", "photometric": "minisblack"}],
    ids=["one block", "pages", "compressed"],
)
def test_however_the_stack_is_written(epfl: Path, drawn: Drawn, tmp_path: Path, arguments: dict[str, object]) -> None:
    (epfl / "testing.tif").unlink()
    images = np.stack([drawn["picture"](number) for number in range(9)])
    masks = np.stack([drawn["mask"](number) * np.uint8(255) for number in range(9)])
    tifffile.imwrite(epfl / "training.tif", images, **arguments)
    tifffile.imwrite(epfl / "training_groundtruth.tif", masks, **arguments)
    result = convert_layout("epfl-ca1", epfl, out=tmp_path / "out", blocks=3)
    assert (result.pairs, result.subjects) == (9, 3)
    dataset = open_dataset(result.dataset)
    assert dataset.split is None
    assert np.array_equal(np.concatenate([dataset.read_image(case) for case in dataset.cases]), images)
    assert np.array_equal(np.stack([dataset.read_label(case) for case in dataset.cases]), masks // 255)


def test_what_is_wrong_is_said_in_one_sentence(epfl: Path, drawn: Drawn, tmp_path: Path) -> None:
    def convert() -> None:
        convert_layout("epfl-ca1", epfl, out=tmp_path / "out")

    stack = np.stack([drawn["picture"](number) for number in range(8)])
    tifffile.imwrite(epfl / "training_groundtruth.tif", stack, photometric="minisblack")
    with pytest.raises(UserError, match=r"training\.tif has 9 pages but .*training_groundtruth\.tif has 8"):
        convert()
    (epfl / "training_groundtruth.tif").unlink()
    with pytest.raises(UserError, match=r"training_groundtruth\.tif is missing"):
        convert()
    path = epfl / "training.tif"
    path.write_bytes(path.read_bytes()[:300])
    (epfl / "training_groundtruth.tif").write_bytes((epfl / "testing_groundtruth.tif").read_bytes())
    with pytest.raises(UserError, match=r"training\.tif"):
        convert()
    tifffile.imwrite(path, np.zeros((9, 12, 16, 3), np.uint8), photometric="rgb")
    with pytest.raises(UserError, match="a stack of grey slices is expected"):
        convert()
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_recipes_learn_from_it(epfl: Path, check_trains: Callable[..., None]) -> None:
    check_trains("epfl-ca1", epfl, "em-pix2pix")
