"""Labels as dataset.json names them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segmint.data.dataset import open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.data.split import split_dataset
from segmint.errors import UserError
from segmint.outputs import read_object, write_json

MakeDataset = Callable[..., Path]


def relabel(folder: Path, **entries: Any) -> None:
    """Change entries of dataset.json."""
    path = folder / "dataset.json"
    write_json(path, read_object(path) | entries)


def test_regions_name_the_ids_they_are_smallest_for(make_dataset: MakeDataset) -> None:
    folder = make_dataset()
    regions = {"background": 0, "whole": [1, 2], "core": [2]}
    relabel(folder, labels=regions, regions_class_order=[1, 2])
    assert open_dataset(folder).label_names == ("background", "whole", "core")


def test_ids_of_one_region_are_told_apart(make_dataset: MakeDataset, tmp_path: Path) -> None:
    folder = make_dataset(labels=("background", "a", "b", "c"))
    relabel(folder, labels={"background": 0, "whole": [1, 2, 3], "core": [2, 3]})
    names = ("background", "whole", "core 2", "core 3")
    assert open_dataset(folder).label_names == names
    assert [label["name"] for label in inspect_dataset(folder)["labels"]] == list(names)
    assert split_dataset(folder, fractions=(0.8, 0.2, 0.0), out=tmp_path / "out").label_names == names
    relabel(folder, labels={"background": 0, "core 3": 1, "core": [2, 3]})
    with pytest.raises(UserError, match='has a label "core 3" and several ids named "core"'):
        open_dataset(folder)
