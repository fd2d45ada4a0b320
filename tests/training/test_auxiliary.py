"""A condition map taught by another dataset, then painted with."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from tests.conftest import draw_discs

from segmint.data.dataset import open_dataset
from segmint.errors import UserError
from segmint.synthesis.sample import sample
from segmint.training.auxiliary import open_auxiliary
from segmint.training.material import training_data
from segmint.training.train import train
from segmint.workflow.run import run_workflow

TINY = {
    "width": "0.05",
    "discriminators": "1",
    "transfer.kimg": "0.2",
    "transfer.width": "4",
    "transfer.levels": "3",
}


def test_the_map_is_learnt_from_one_dataset_and_used_in_another(tmp_path: Path) -> None:
    teacher = draw_discs(tmp_path / "teacher", halo=True, subjects=9)
    pupil = draw_discs(tmp_path / "pupil", subjects=8)
    run = train(
        "em-pix2pix",
        pupil,
        out=tmp_path / "run",
        kimg=0.016,
        batch=4,
        size=32,
        threads=1,
        auxiliary=f"{teacher}:halo",
        settings=TINY,
        device="cpu",
        progress=False,
    )
    config = json.loads((run.root / "config.json").read_text())
    assert [part["role"] for part in config["parts"]] == ["transfer", "main"]
    seen = {dataset for dataset, _ in config["labels_seen"]}
    assert seen == {open_dataset(teacher).identity, open_dataset(pupil).identity}
    folder = sample(run.root, n=4, out=tmp_path / "out", mask_source="real", device="cpu")
    drawn = open_dataset(folder)
    assert drawn.conditions == {"halo": ("background", "halo")}
    resumed = train(
        "em-pix2pix",
        pupil,
        out=tmp_path / "run",
        kimg=0.016,
        batch=4,
        size=32,
        threads=1,
        auxiliary=f"{teacher}:halo",
        settings=TINY,
        device="cpu",
        progress=False,
        resume=True,
    )
    assert resumed.status == "done"


def test_a_teacher_whose_slices_lie_otherwise(tmp_path: Path) -> None:
    teacher, pupil = draw_discs(tmp_path / "teacher", halo=True), draw_discs(tmp_path / "pupil")
    for path in teacher.rglob("*.nii.gz"):
        nibabel.save(nibabel.Nifti1Image(np.asarray(nibabel.load(path).dataobj), np.diag([-1.0, 1, 3, 1])), path)
    with pytest.raises(
        UserError, match=r"its slices lead to L and A, those of .*pupil to R and A.* the orientation RAS first"
    ):
        train("em-pix2pix", pupil, out=tmp_path / "run", auxiliary=f"{teacher}:halo", size=32, progress=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("axis", "turned"), [(0, False), (None, True)])
def test_the_teacher_is_cut_as_the_pupil_is(tmp_path: Path, axis: int | None, turned: bool) -> None:
    """Along the axis that was asked for, or the one of the same plane where its volumes are stored otherwise."""
    teacher, pupil = draw_discs(tmp_path / "teacher", halo=True), draw_discs(tmp_path / "pupil")
    if turned:
        for path in teacher.rglob("*.nii.gz"):
            volume = np.moveaxis(np.asarray(nibabel.load(path).dataobj), 2, 0)
            affine = np.diag([1.0, 1, 3, 1])[:, [2, 0, 1, 3]]
            nibabel.save(nibabel.Nifti1Image(volume, affine), path)
    data = training_data(open_dataset(pupil), size=32, axis=axis, seed=0)
    helper = open_auxiliary(f"{teacher}:halo", data, seed=0, tile=None)
    assert helper.data.slices.axis == 0
    assert data.slices.axis == (2 if turned else 0)
    assert len(helper.data.slices) == len(data.slices)


def test_overwrite_never_takes_the_teacher(tmp_path: Path) -> None:
    """Nor a folder that holds it."""
    teacher, pupil = draw_discs(tmp_path / "kept" / "teacher", halo=True), draw_discs(tmp_path / "pupil")
    for out in (teacher, teacher.parent):
        with pytest.raises(UserError, match="teacher"):
            train(
                "em-pix2pix",
                pupil,
                out=out,
                auxiliary=f"{teacher}:halo",
                settings=TINY,
                kimg=0.016,
                batch=4,
                size=32,
                device="cpu",
                overwrite=True,
                progress=False,
            )
        with pytest.raises(UserError, match="teacher"):
            run_workflow(
                pupil, out=out, recipe="em-pix2pix", auxiliary=f"{teacher}:halo", overwrite=True, progress=False
            )
    assert (teacher / "dataset.json").is_file()


def test_a_map_that_the_teacher_lacks(tmp_path: Path) -> None:
    teacher, pupil = draw_discs(tmp_path / "teacher"), draw_discs(tmp_path / "pupil")
    with pytest.raises(UserError, match='no condition map "halo"'):
        train("em-pix2pix", pupil, out=tmp_path / "run", auxiliary=f"{teacher}:halo", size=32, progress=False)


@pytest.mark.parametrize("conditions", [None, ["halo"]])
def test_a_map_that_the_pupil_has_itself(conditions: list[str] | None, tmp_path: Path) -> None:
    teacher, pupil = draw_discs(tmp_path / "teacher", halo=True), draw_discs(tmp_path / "pupil", halo=True)
    with pytest.raises(UserError, match='has the condition map "halo" itself'):
        train(
            "em-pix2pix",
            pupil,
            out=tmp_path / "run",
            auxiliary=f"{teacher}:halo",
            conditions=conditions,
            size=32,
            progress=False,
        )
    assert not (tmp_path / "run").exists()
