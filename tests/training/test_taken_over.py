"""Stages that see no labels are the same whoever trained them, so a run may take them over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import DATASETGAN

from segmint.errors import UserError, WaitingForPerson
from segmint.recipes import find_recipe
from segmint.recipes.contract import Task
from segmint.training.run_folder import RunFolder
from segmint.training.train import train


def begun(first: Path, out: Path, **options: Any) -> RunFolder:
    """A run like `first`, with the labels of one subject."""
    chosen: dict[str, Any] = {"labelled_subjects": 1, "settings": DATASETGAN, "seed": 0, **options}
    return train(
        "datasetgan",
        Path(RunFolder(first).config["dataset"]["path"]),
        out=out,
        kimg=0.008,
        batch=4,
        size=32,
        threads=1,
        precision="float32",
        device="cpu",
        progress=False,
        **chosen,
    )


def test_stages_know_whether_labels_reach_them() -> None:
    recipe = find_recipe("datasetgan")
    settings = recipe.settings(preset="repaired", capacity="small", changes={})
    stages = recipe.stages(Task(32, 1, 3, 4, 16), settings)
    assert [stage.sees_labels for stage in stages] == [False, True, True]
    (joint,) = find_recipe("joint-stylegan2").stages(Task(32, 1, 3, 4, 16), settings)
    assert joint.sees_labels


def test_a_run_that_takes_a_stage_over_is_the_run_that_trains_it(interpreted_run: Path, tmp_path: Path) -> None:
    alone = begun(interpreted_run, tmp_path / "alone")
    reusing = begun(interpreted_run, tmp_path / "reusing", reuse=interpreted_run)
    origin = reusing.config["taken_over"]
    assert list(origin) == ["00-images"]
    assert origin["00-images"]["run"] == str(interpreted_run.resolve())
    for run in (alone, reusing):
        assert [line["stage"] for line in run.log()] == [line["stage"] for line in alone.log()]
    for name in ("00-images", "01-inversion", "02-interpreter"):
        weights = [run.checkpoints(run.root / "stages" / name).load("last").tensors for run in (alone, reusing)]
        assert weights[0].keys() == weights[1].keys()
        assert all((weights[0][key] == weights[1][key]).all() for key in weights[0]), name
    mine, theirs = (
        [line for line in run.log() if line["stage"] == "00-images"] for run in (reusing, RunFolder(interpreted_run))
    )
    assert mine == theirs, "not trained again: seconds are the same"
    assert (reusing.previews / "00-images" / "reals.png").is_file()
    # Gone on with by the same call, wherever the other run lies now.
    assert begun(interpreted_run, reusing.root, reuse=interpreted_run, resume=True).status == "done"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seed": 1}, "has another seed"),
        ({"settings": {**DATASETGAN, "latent_size": "16"}}, "has another latent_size"),
        ({"subset": None, "labelled_subjects": 1, "preset": "faithful"}, "has another preset"),
    ],
)
def test_a_run_that_differs_in_more_is_refused(
    interpreted_run: Path, tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        begun(interpreted_run, tmp_path / "run", reuse=interpreted_run, dry_run=True, **options)
    assert not (tmp_path / "run").exists()


def test_the_generator_of_a_run_whose_inversions_were_all_refused_is_not_lost(
    interpreted_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"--reuse of this one and --set minimum_explained below 1\."):
        begun(interpreted_run, tmp_path / "refused", settings={**DATASETGAN, "minimum_explained": "1"})
    settings = {**DATASETGAN, "inversion_steps": "5"}
    alone = begun(interpreted_run, tmp_path / "alone", settings=settings)
    reusing = begun(interpreted_run, tmp_path / "reusing", settings=settings, reuse=tmp_path / "refused")
    assert list(reusing.config["taken_over"]) == ["00-images"]
    for name in ("00-images", "01-inversion", "02-interpreter"):
        weights = [run.checkpoints(run.root / "stages" / name).load("last").tensors for run in (alone, reusing)]
        assert all((weights[0][key] == weights[1][key]).all() for key in weights[0]), name


def test_a_stage_that_the_other_run_does_not_have_is_trained(interpreted_run: Path, tmp_path: Path) -> None:
    settings = {**DATASETGAN, "inversion_start": "encoder", "encoder_kimg": "0.008", "pyramid_width": "8"}
    reusing = begun(interpreted_run, tmp_path / "reusing", settings=settings, reuse=interpreted_run)
    assert list(reusing.config["taken_over"]) == ["00-images"]
    assert reusing.status == "done"


def test_a_generator_whose_images_wait_for_labels_can_be_given_others(interpreted_run: Path, tmp_path: Path) -> None:
    with pytest.raises(WaitingForPerson):
        begun(interpreted_run, tmp_path / "waiting", settings={**DATASETGAN, "labels": "annotation"})
    settings = {**DATASETGAN, "labels": "oracle", "oracle_kimg": "0.016", "oracle_draws": "3"}
    reusing = begun(interpreted_run, tmp_path / "reusing", settings=settings, reuse=tmp_path / "waiting")
    assert list(reusing.config["taken_over"]) == ["00-images"]
    assert reusing.status == "done"


def test_an_unfinished_run_is_refused(interpreted_run: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "unfinished"
    shutil.copytree(interpreted_run, copy)
    for later in ("01-inversion", "02-interpreter"):
        shutil.rmtree(copy / "stages" / later)
    (copy / "state.json").write_text(json.dumps({"status": "interrupted"}))
    with pytest.raises(UserError, match="stage images is not finished"):
        begun(interpreted_run, tmp_path / "run", reuse=copy, dry_run=True)
