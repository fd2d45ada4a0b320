"""Condition maps from the writer to the pool's dataset: checked as labels are, and found wherever they lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmint.data.conditions import checked_conditions
from segmint.data.dataset import open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.data.split import split_dataset
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError

MakeDataset = Callable[..., Path]
TWO = {"membranes": ("background", "membrane"), "zones": ("background", "inner", "outer")}


@pytest.mark.parametrize("ending", [".png", ".tif", ".nii.gz"])
def test_they_come_back_as_they_were_written(make_dataset: MakeDataset, ending: str) -> None:
    folder = make_dataset(conditions=TWO, ending=ending)
    dataset = open_dataset(folder)
    assert dataset.conditions == TWO
    for case in dataset.cases:
        label = dataset.read_label(case)
        assert case.condition_paths["zones"] == folder / "conditions" / f"{case.id}_zones{ending}"
        assert np.array_equal(dataset.read_condition(case, "membranes"), label % 2)
        assert np.array_equal(dataset.read_condition(case, "zones"), label % 3)
    assert inspect_dataset(folder)["problems"] == []


def test_volumes_have_them_too(make_dataset: MakeDataset) -> None:
    dataset = open_dataset(make_dataset(shapes=[(4, 5, 6)] * 2, ending=".nii.gz", conditions=TWO))
    case = dataset.cases[1]
    assert np.array_equal(dataset.read_condition(case, "zones"), dataset.read_label(case))


def test_a_dataset_without_them_has_none(make_dataset: MakeDataset) -> None:
    dataset = open_dataset(make_dataset())
    assert (dataset.conditions, dataset.cases[0].condition_paths, dataset.subject_kind) == ({}, {}, "subject")
    with pytest.raises(UserError, match=r'has no condition "zones" \(it has none\)'):
        dataset.read_condition(dataset.cases[0], "zones")


def test_they_are_part_of_the_identity(make_dataset: MakeDataset) -> None:
    folder = make_dataset(conditions=TWO)
    with_them = open_dataset(folder).identity
    content = json.loads((folder / "segmint.json").read_text())
    content["conditions"] = {}
    (folder / "segmint.json").write_text(json.dumps(content))
    assert open_dataset(folder).identity != with_them


def test_what_is_wrong_with_one_is_said_in_one_sentence(make_dataset: MakeDataset) -> None:
    folder = make_dataset(conditions=TWO)
    Image.fromarray(np.full((6, 8), 2, np.uint8)).save(folder / "conditions" / "case0_membranes.png")
    Image.fromarray(np.zeros((5, 8), np.uint8)).save(folder / "conditions" / "case1_zones.png")
    dataset = open_dataset(folder)
    with pytest.raises(
        UserError, match=r"case0_membranes\.png holds the label id 2, which segmint\.json does not name"
    ):
        dataset.read_condition(dataset.cases[0], "membranes")
    with pytest.raises(UserError, match=r"case1_zones\.png has the shape 5 x 8 but case1_0000\.png has 6 x 8"):
        dataset.read_condition(dataset.cases[1], "zones")
    problems = inspect_dataset(folder)["problems"]
    assert [sum(name in one for one in problems) for name in ("case0_membranes", "case1_zones")] == [1, 1]
    assert len(problems) == 2
    (folder / "conditions" / "case2_zones.png").unlink()
    with pytest.raises(UserError, match=r'case2_zones\.png is missing: segmint\.json names the condition "zones"'):
        open_dataset(folder)
    assert len(inspect_dataset(folder)["problems"]) == 3


def test_a_dataset_that_points_elsewhere_finds_them(make_dataset: MakeDataset, tmp_path: Path) -> None:
    original = open_dataset(make_dataset(conditions=TWO))
    pointing = split_dataset(original.root, out=tmp_path / "split")
    case = pointing.cases[2]
    assert pointing.conditions == TWO
    assert np.array_equal(pointing.read_condition(case, "zones"), original.read_condition(original.cases[2], "zones"))
    assert pointing.identity == original.identity


def writer_in(folder: Path) -> DatasetWriter:
    return DatasetWriter(
        folder,
        name="x",
        channel_names=["c"],
        label_names=["background", "organ"],
        file_ending=".png",
        conditions=TWO,
        subject_kind="block",
    )


def test_the_writer_refuses_what_does_not_fit(tmp_path: Path) -> None:
    image, ids = np.zeros((1, 4, 5), np.uint8), np.ones((4, 5), np.uint8)
    given = {"membranes": ids, "zones": ids}
    for change, said in (
        ({"membranes": None}, '"membranes" is declared but not given'),
        ({"other": ids}, '"other" is not declared'),
        ({"membranes": ids * 2}, r"membranes ids outside 0\.\.1"),
        ({"zones": ids[:3]}, "zones of shape"),
        ({"zones": ids * 0.5}, "not integers"),
    ):
        maps = {name: one for name, one in {**given, **change}.items() if one is not None}
        with pytest.raises(ValueError, match=said):
            writer_in(tmp_path).add("a", image, ids, subject="p", conditions=maps)
    assert not list(tmp_path.iterdir())


def test_an_unlabelled_case_may_lack_some(tmp_path: Path) -> None:
    image, ids = np.zeros((1, 4, 5), np.uint8), np.ones((4, 5), np.uint8)
    writer = writer_in(tmp_path)
    writer.add("a", image, ids, subject="p", conditions={"membranes": ids, "zones": ids})
    writer.add("u", image, None, subject="p", conditions={"membranes": ids})
    writer.finish()
    assert {path.name for path in (tmp_path / "conditions").iterdir()} == {
        "a_membranes.png",
        "a_zones.png",
        "u_membranes.png",
    }
    assert open_dataset(tmp_path).subject_kind == "block"


@pytest.mark.parametrize("name", ["a_b", "", "../a", "-a"])
def test_names_that_do_not_suit_a_file(name: str) -> None:
    with pytest.raises(ValueError, match="may hold letters"):
        checked_conditions({name: ("background", "a")})
