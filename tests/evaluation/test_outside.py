"""Label maps of segmenters trained elsewhere, scored as a trial scores its own."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from segmint.cli.main import main
from segmint.data.dataset import open_dataset
from segmint.errors import UserError
from segmint.evaluation.outside import score_predictions
from segmint.metrics.dice import dice, overlap_counts
from segmint.report.build import build_report


def predict(real: Path, folder: Path, *, wrong: int) -> Path:
    """The true maps of the test subjects, the first `wrong` rows and as many columns of each emptied."""
    folder.mkdir(parents=True)
    dataset = open_dataset(real)
    assert dataset.split is not None
    for number, case in enumerate(dataset.cases_of(dataset.split.test)):
        ids = dataset.read_label(case).copy()
        ids[: wrong + number % 3] = 0
        ids[:, :wrong] = 0
        nibabel.save(nibabel.Nifti1Image(ids, dataset.affine(case)), folder / f"{case.id}.nii.gz")
    return folder


@pytest.fixture(scope="module")
def folders(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("predictions")
    for name, wrong in (("real-0", 6), ("real-1", 7), ("mixed-0", 3), ("mixed-1", 4)):
        predict(real, root / name, wrong=wrong)
    return lambda name: root / name


@pytest.fixture(scope="module")
def scored(
    real: Path, synthetic: Path, folders: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    given = [("100R", "real-0"), ("100R+300F", "mixed-0"), ("100R", "real-1"), ("100R+300F", "mixed-1")]
    return score_predictions(
        real,
        [synthetic],
        predictions=[(arm, folders(name)) for arm, name in given],
        out=tmp_path_factory.mktemp("scored") / "trial",
        progress=False,
    )


def test_dice_is_that_of_the_files(scored: Path, real: Path, folders: Callable[[str], Path]) -> None:
    trial = json.loads((scored / "trial.json").read_text())
    dataset = open_dataset(real)
    for arm, name in (("100R", "real"), ("100R+300F", "mixed")):
        for seed in (0, 1):
            for case in dataset.cases_of(trial["test_subjects"]):
                ids = np.asarray(nibabel.load(folders(f"{name}-{seed}") / f"{case.id}.nii.gz").dataobj)
                expected = dice(overlap_counts(ids, dataset.read_label(case), label_count=3))[1:]
                found = [
                    one["dice"]
                    for one in trial["scores"]
                    if (one["arm"], one["seed"], one["subject"]) == (arm, seed, case.subject)
                ]
                assert found == pytest.approx(expected.tolist())


def test_the_verdict_is_that_of_a_trial_and_says_what_is_not_known(scored: Path) -> None:
    trial = json.loads((scored / "trial.json").read_text())
    assert trial["verdict"]["kind"] == "helps"
    assert "16 test subjects" in trial["verdict"]["sentence"]
    assert (trial["segmenter"], trial["steps"], trial["batch"], trial["converged"]) == (
        "trained elsewhere",
        None,
        None,
        None,
    )
    assert trial["augment"] is None
    assert "augmentation of all arms: not known)" in trial["verdict"]["sentence"]
    assert any("whether they converged" in note for note in trial["notes"])
    assert [one["arm"] for one in trial["predictions"]] == ["100R", "100R", "100R+300F", "100R+300F"]
    rows = list(csv.DictReader((scored / "trial.csv").read_text().splitlines()))
    assert [row["arm"] for row in rows] == ["100R", "100R+300F"]
    assert float(rows[1]["hd95"]) < float(rows[0]["hd95"])


def test_the_report_of_it_names_no_steps(scored: Path) -> None:
    page = build_report(scored).read_text(encoding="utf-8")
    assert "trained elsewhere" in page
    assert "Optimiser steps in every arm" not in page


def test_maps_of_no_tested_case_are_told(real: Path, tmp_path: Path) -> None:
    maps = predict(real, tmp_path / "maps", wrong=1)
    shutil.copy(maps / "case_c03.nii.gz", maps / "case_misnamed.nii.gz")
    (maps / "plans.json").write_text("{}")
    out = score_predictions(real, predictions=[("100R", maps)], out=tmp_path / "out", progress=False)
    notes = json.loads((out / "trial.json").read_text())["notes"]
    assert f"{maps} holds 1 label map of no tested case, not looked at: case_misnamed.nii.gz." in notes


def _absent(folder: Path) -> None:
    (folder / "case_c03.nii.gz").unlink()


def _other_grid(folder: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((14, 13, 2), np.uint8), np.eye(4)), folder / "case_c03.nii.gz")


def _unknown_id(folder: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.full((14, 13, 3), 9, np.uint8), np.eye(4)), folder / "case_c03.nii.gz")


def _damaged(folder: Path) -> None:
    (folder / "case_c03.nii.gz").write_bytes(b"no")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_absent, 'every image needs its prediction, and "case_c03" has none'),
        (_other_grid, "has the shape 14 x 13 x 2 but"),
        (
            _unknown_id,
            "holds the label id 9, which dataset.json does not name (it names 0 to 2): predict with the labels",
        ),
        (_damaged, "case_c03.nii.gz"),
    ],
)
def test_a_wrong_file_is_told_and_nothing_is_written(
    real: Path, tmp_path: Path, spoil: Callable[[Path], None], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(predict(real, tmp_path / "maps", wrong=1))
    words = ["trial", "score", str(real), "--predictions", f"100R={tmp_path / 'maps'}", "--out", str(tmp_path / "out")]
    assert main(words) == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("segmint: ")
    assert said in message
    assert not (tmp_path / "out").exists()


def test_arms_and_folders_must_fit(real: Path, synthetic: Path, folders: Callable[[str], Path], tmp_path: Path) -> None:
    one, other = folders("real-0"), folders("mixed-0")
    for predictions, said in (
        ([], "none is given"),
        ([("100R", tmp_path / "gone")], "there is no such folder"),
        ([("100Q", one)], "is not an arm"),
        ([("100R", one), ("100F", other), ("100F", folders("mixed-1"))], "the arm 100R has 1 and 100F has 2"),
        ([("100R", one), ("100F", one)], "is given twice"),
    ):
        with pytest.raises(UserError, match=said):
            score_predictions(real, [synthetic], predictions=predictions, out=tmp_path / "out")
    with pytest.raises(UserError, match="needs synthetic pairs"):
        score_predictions(real, predictions=[("100R", one), ("100F", other)], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("inside", ["", "set"])
def test_a_synthetic_set_is_never_overwritten(
    real: Path, synthetic: Path, folders: Callable[[str], Path], tmp_path: Path, inside: str
) -> None:
    out = tmp_path / "out"
    fakes = shutil.copytree(synthetic, out / inside)
    kept = sorted(fakes.rglob("*"))
    predictions = [("100R", folders("real-0")), ("100R+300F", folders("mixed-0"))]
    with pytest.raises(UserError, match=r"out is or holds .*, which is read here: choose another --out"):
        score_predictions(real, [fakes], predictions=predictions, out=out, overwrite=True, progress=False)
    assert sorted(fakes.rglob("*")) == kept


def test_the_command_line_takes_arms_by_name(
    real: Path, folders: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["trial", "score", str(real), "--out", str(out), "--predictions", f"100R={folders('real-0')}"]) == 0
    assert "trained elsewhere" in capsys.readouterr().out
    assert main(["trial", "score", str(real), "--out", str(out), "--predictions", "100R"]) == 2
    assert "write it as ARM=DIR" in capsys.readouterr().err


def test_the_trial_itself_needs_no_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trial", "--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: segmint trial [OPTIONS]")
    assert main(["trial", "--arms", "100Q", "--out", "o", "d"]) == 2
    assert "100Q" in capsys.readouterr().err
