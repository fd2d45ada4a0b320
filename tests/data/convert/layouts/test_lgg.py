"""LGG: slices of patients, three contrasts in one RGB file."""

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


def test_slices_know_their_patient_and_place(lgg: Path, drawn: Drawn, tmp_path: Path) -> None:
    result = convert_layout("lgg", lgg.parent, out=tmp_path / "out")
    assert (result.pairs, result.subjects, result.subject_kind) == (6, 2, "subject")
    dataset = open_dataset(result.dataset)
    assert dataset.channel_names == ("pre", "FLAIR", "post")
    assert dataset.subjects == ("TCGA_CS_4941_19960909", "TCGA_DU_5854_19951104")
    for case in dataset.cases:
        assert case.id == f"{case.volume}_{case.slice}"
        assert (case.volume, case.axis) == (case.subject, 2)
        assert case.intensity is not None
        assert {one.kind for one in case.intensity} == {"percentile"}
        seed = case.slice + 10 * dataset.subjects.index(case.subject)
        assert np.array_equal(dataset.read_image(case), np.moveaxis(drawn["picture"](seed, 3), -1, 0))
        assert np.array_equal(dataset.read_label(case), drawn["mask"](seed) & (case.slice < 11))
    report = inspect_dataset(result.dataset)
    assert (report["problems"], report["empty_masks"]) == ([], 2)


def test_what_is_wrong_is_said_in_one_sentence(lgg: Path, tmp_path: Path) -> None:
    patient = lgg / "TCGA_CS_4941_19960909"
    (patient / f"{patient.name}_9_mask.tif").unlink()
    with pytest.raises(UserError, match=r"_9_mask\.tif is missing, but its image is there"):
        convert_layout("lgg", lgg, out=tmp_path / "out")
    (patient / f"{patient.name}_9.tif").write_bytes((patient / f"{patient.name}_10_mask.tif").read_bytes())
    (patient / f"{patient.name}_9_mask.tif").write_bytes((patient / f"{patient.name}_10_mask.tif").read_bytes())
    with pytest.raises(UserError, match=r"_9\.tif has 1 channels where the layout has 3"):
        convert_layout("lgg", lgg, out=tmp_path / "out")
    patient.rename(lgg / "a patient")
    with pytest.raises(UserError, match="a patient is not named like a patient of the layout"):
        convert_layout("lgg", lgg, out=tmp_path / "out")
    with pytest.raises(UserError, match="does not exist or is no folder"):
        convert_layout("lgg", lgg / "none", out=tmp_path / "out")


@pytest.mark.slow
def test_the_real_one(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    result = convert_layout("lgg", real_data("lgg-mri"), out=tmp_path / "out")
    assert (result.pairs, result.subjects) == (1062, 30)
    dataset = open_dataset(result.dataset)
    held = [bool(dataset.read_label(case).any()) for case in dataset.cases]
    assert 0.2 < np.mean(held) < 0.5


@pytest.mark.slow
def test_recipes_learn_from_it(lgg: Path, check_trains: Callable[..., None]) -> None:
    check_trains("lgg", lgg, "joint-stylegan2")
