"""Drosophila VNC: blocks of one stack, membranes as condition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from segmint.data.convert import convert_layout
from segmint.data.dataset import open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.errors import UserError

Drawn = Mapping[str, Callable[..., np.ndarray]]


def test_slices_masks_and_blocks(vnc: Path, drawn: Drawn, tmp_path: Path) -> None:
    result = convert_layout("drosophila-vnc", vnc, out=tmp_path / "out")
    assert (result.pairs, result.subjects, result.subject_kind) == (10, 4, "block")
    dataset = open_dataset(result.dataset)
    assert dataset.subject_kind == "block"
    assert [case.subject[-1] for case in dataset.cases] == list("1112223344")
    assert [case.slice for case in dataset.cases] == list(range(10))
    assert {(case.volume, case.axis) for case in dataset.cases} == {("stack1", 0)}
    for number, case in enumerate(dataset.cases):
        label = drawn["mask"](number)
        if number == 4:
            label[0, :2] = False, True  # 17 and 243 of 255
        assert np.array_equal(dataset.read_image(case)[0], drawn["picture"](number))
        assert np.array_equal(dataset.read_label(case), label)
        assert np.array_equal(dataset.read_condition(case, "membranes"), drawn["mask"](number + 100))
    report = inspect_dataset(result.dataset)
    assert report["problems"] == []
    assert any("blocks of one stack" in remark for remark in report["remarks"])


def test_the_number_of_blocks_and_the_inner_folder(vnc: Path, tmp_path: Path) -> None:
    result = convert_layout("drosophila-vnc", vnc / "stack1", out=tmp_path / "out", blocks=5)
    assert (result.pairs, result.subjects) == (10, 5)
    for blocks in (1, 11):
        with pytest.raises(UserError, match=f"--blocks {blocks} is not possible: stack1 has 10 slices"):
            convert_layout("drosophila-vnc", vnc, out=tmp_path / "other", blocks=blocks)


def test_what_is_wrong_is_said_in_one_sentence(vnc: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--observer 2: the layout drosophila-vnc leaves no such choice"):
        convert_layout("drosophila-vnc", vnc, out=tmp_path / "out", observer=2)
    membranes = vnc / "stack1" / "membranes" / "03.png"
    raw = (vnc / "stack1" / "raw" / "03.tif").read_bytes()
    membranes.unlink()
    with pytest.raises(UserError, match=r"membranes/03\.png is missing"):
        convert_layout("drosophila-vnc", vnc, out=tmp_path / "out")
    membranes.with_suffix(".tif").write_bytes(raw)
    with pytest.raises(UserError, match=r"membranes/03\.tif is no mask of 0 and 255, since \d+\.\d% of its pixels"):
        convert_layout("drosophila-vnc", vnc, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_real_one(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    result = convert_layout("drosophila-vnc", real_data("drosophila-vnc"), out=tmp_path / "out")
    assert (result.pairs, result.subjects) == (20, 4)
    labels = inspect_dataset(result.dataset)
    assert 0.03 < labels["labels"][1]["share"] < 0.08
    assert 0.15 < labels["conditions"][0]["labels"][1]["share"] < 0.3


@pytest.mark.slow
def test_recipes_learn_from_it(vnc: Path, check_trains: Callable[..., None]) -> None:
    check_trains("drosophila-vnc", vnc, "mask-transfer", "em-pix2pix")
