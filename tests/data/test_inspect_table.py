"""The inspection on the screen tells what the report holds."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console

from segmint.data.dataset import Split, Subset
from segmint.data.inspect import inspect_dataset
from segmint.data.inspect_table import inspection_table

MakeDataset = Callable[..., Path]


def shown(report: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(inspection_table(report))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_dataset_in_order(make_dataset: MakeDataset) -> None:
    finish = {"split": Split(("a",), (), ("b",)), "subsets": {"1": Subset("1", ("a",))}}
    text = shown(inspect_dataset(make_dataset(subjects=["a", "a", "b", "b"], finish=finish, channels=("T1[x]",))))
    for said in (
        "4 (2-D, .png) of 2 subjects, 2 pairs each",
        "6 x 8 all",
        "not known",
        "1 train, 0 validation, 1 test",
    ):
        assert said in text
    assert "subsets 1" in text
    assert "T1[x]" in text, "names are not taken for markup"
    assert "No problems found." in text


def test_problems_are_listed(make_dataset: MakeDataset) -> None:
    folder = make_dataset()
    (folder / "labelsTr" / "case0.png").unlink()
    Image.fromarray(np.full((6, 8), 9, np.uint8)).save(folder / "labelsTr" / "case1.png")
    text = shown(inspect_dataset(folder))
    assert "2 problems:" in text
    assert 'The image "case0"' in text


def test_a_dataset_without_readable_pairs(make_dataset: MakeDataset) -> None:
    folder = make_dataset()
    for path in (folder / "labelsTr").iterdir():
        path.write_bytes(b"")
    assert "4 problems:" in shown(inspect_dataset(folder))
