"""ISLES 2018: slabs of few thick slices, perfusion maps as channels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.data.convert import convert_layout
from segmint.data.dataset import open_dataset
from segmint.data.inspect import inspect_dataset
from segmint.errors import UserError

AFFINE = np.diag([0.9, 0.9, 10.0, 1.0])
SHAPE = (16, 16, 2)
KINDS = ("CT", "CT_CBF", "CT_CBV", "CT_MTT", "CT_Tmax")


@pytest.fixture
def isles(tmp_path: Path, write_nifti: Callable[..., Any]) -> Path:
    """Three cases: CT and maps as float32, the lesion as uint8, and the perfusion series beside them."""
    root = tmp_path / "ISLES2018_Training" / "TRAINING"
    for case in (1, 2, 10):
        rng = np.random.default_rng(case)
        for number, kind in enumerate((*KINDS, "OT", "CT_4DPWI")):
            name = f"SMIR.Brain.XX.O.{kind}.{345562 + 10 * case + number}"
            if kind == "OT":
                array = (rng.random(SHAPE) < 0.2).astype(np.uint8)
            else:
                array = rng.random((*SHAPE, 3) if kind == "CT_4DPWI" else SHAPE).astype(np.float32)
            write_nifti(root / f"case_{case}" / name / f"{name}.nii", array, AFFINE)
    return root.parent


def test_maps_and_lesion(isles: Path, tmp_path: Path, check_in_place: Callable[..., None]) -> None:
    result = convert_layout("isles-2018", isles, out=tmp_path / "out")
    assert (result.pairs, result.subjects, result.subject_kind) == (3, 3, "image")
    assert any("94 cases come from 63 patients" in message for message in result.messages)
    dataset = open_dataset(result.dataset)
    assert dataset.channel_names == ("CT", "CBF", "CBV", "MTT", "Tmax")
    assert dataset.label_names == ("background", "infarct core")
    for case in dataset.cases:
        rng = np.random.default_rng(int(case.id.removeprefix("case_")))
        assert np.array_equal(dataset.read_image(case), [rng.random(SHAPE).astype(np.float32) for _ in KINDS])
        assert np.array_equal(dataset.read_label(case), rng.random(SHAPE) < 0.2)
    check_in_place(result.dataset, AFFINE)
    assert inspect_dataset(result.dataset)["problems"] == []


def test_what_is_wrong_is_said_in_one_sentence(isles: Path, tmp_path: Path, write_nifti: Callable[..., Any]) -> None:
    folder = next((isles / "TRAINING" / "case_2").glob("*CT_MTT*"))
    write_nifti(folder / f"{folder.name}.nii", np.zeros(SHAPE, np.float32), np.diag([0.9, 0.9, 5.0, 1.0]))
    with pytest.raises(UserError, match=r"CT_MTT.*\.nii lies 5 mm away from .*\.CT\."):
        convert_layout("isles-2018", isles, out=tmp_path / "out")
    (folder / f"{folder.name}.nii").unlink()
    with pytest.raises(UserError, match=r"case_2 holds no SMIR\*\.CT_MTT"):
        convert_layout("isles-2018", isles, out=tmp_path / "out")


@pytest.mark.slow
def test_recipes_learn_from_it(isles: Path, check_trains: Callable[..., None]) -> None:
    check_trains("isles-2018", isles, "stroke-pix2pix", "segan")
