"""Leaks of each kind, planted with real generators: whatever test subjects had a part in is refused before anything is written.

A curator that chose by test subjects is planted in `curation/test_curate.py`, inner generators of the gate in
`test_recipe_trial.py`, generators of a fold in `test_folded_trial.py`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from segmint.data.dataset import open_dataset
from segmint.data.subjects import Split
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.evaluation.design import design_trial
from segmint.evaluation.outside import score_predictions
from segmint.evaluation.trial import trial
from segmint.synthesis.sample import sample

ASKED: dict[str, Any] = {"arms": ("100R", "100F"), "seeds": 1, "steps": 1, "batch": 4, "size": 32, "device": "cpu"}
EXCHANGED = {"label": ("subject_00", "subject_06"), "choice": ("subject_04", "subject_06")}


def discs_of(run: Path) -> Path:
    """The dataset that a run has learned from; its split tests subjects 06 and 07."""
    return Path(json.loads((run / "config.json").read_text())["dataset"]["path"])


def with_split(real: Path, folder: Path, change: Any) -> Path:
    """A copy of a dataset whose split is changed, with the same files and so of the same identity."""
    shutil.copytree(real, folder)
    record = json.loads((folder / "segmint.json").read_text())
    change(record["split"])
    (folder / "segmint.json").write_text(json.dumps(record))
    return folder


def exchange(*pair: str) -> Any:
    """Each of two subjects takes the other's place."""
    other = dict(zip(pair, reversed(pair), strict=True))

    def change(split: dict[str, list[str]]) -> None:
        for part, subjects in split.items():
            split[part] = [other.get(subject, subject) for subject in subjects]

    return change


def accepted(real: Path, synthetic: Path) -> bool:
    """Whether the same trial is taken where nothing leaks."""
    more = {"axis": None, "segmenter": "unet", "subset": None, "real_slices": None, "demonstration": False}
    return bool(design_trial(real, [synthetic], **ASKED, **more).synthetic)


def test_a_subject_in_two_parts(tmp_path: Path, discs_run: Path, discs_synthetic: Path) -> None:
    def share(split: dict[str, list[str]]) -> None:
        split["test"].append(split["train"][0])

    shared = with_split(discs_of(discs_run), tmp_path / "shared", share)
    with pytest.raises(UserError, match='"subject_00" is in both train and test'):
        trial(shared, discs_synthetic, out=tmp_path / "trial", progress=False, **ASKED)
    assert not (tmp_path / "trial").exists()


def test_a_test_subject_under_another_name(tmp_path: Path, discs_run: Path, discs_synthetic: Path) -> None:
    """A copy of the dataset, files written anew under other names, that tests what the generator has learned from."""
    real = open_dataset(discs_of(discs_run))
    seen = real.split.train[0] if real.split is not None else ""
    renamed = tmp_path / "renamed"
    renamed.mkdir()
    writer = DatasetWriter(
        renamed,
        name="other discs",
        channel_names=real.channel_names,
        label_names=real.label_names,
        file_ending=".nii.gz",
    )
    names = {subject: f"patient-{number}" for number, subject in enumerate(real.subjects)}
    for number, case in enumerate(real.cases):
        writer.add(f"image-{number}", real.read_image(case), real.read_label(case), subject=names[case.subject])
    tested = ("patient-3", names[seen])
    others = [name for name in names.values() if name not in tested]
    writer.finish(split=Split(tuple(others[2:]), tuple(others[:2]), tested))
    with pytest.raises(
        UserError, match=rf'"{seen}" of Discs-.* of whom images are equal, .* of the test subject "{names[seen]}"'
    ):
        trial(renamed, discs_synthetic, out=tmp_path / "trial", progress=False, **ASKED)
    assert not (tmp_path / "trial").exists()
    # A set of an earlier version, which tells names alone: no more can be said than that.
    old = shutil.copytree(discs_synthetic, tmp_path / "old")
    record = json.loads((old / "segmint.json").read_text())
    assert len(record["provenance"].pop("marks_seen")) == 6
    (old / "segmint.json").write_text(json.dumps(record))
    more = {"axis": None, "segmenter": "unet", "subset": None, "real_slices": None, "demonstration": False}
    assert any("cannot be checked" in note for note in design_trial(renamed, [old], **ASKED, **more).notes)


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("label", 'its generator has learned from labels of the test subject "subject_00"'),
        ("choice", 'its generator was selected on the test subject "subject_04"'),
    ],
)
def test_a_generator_that_saw_a_test_subject(
    tmp_path: Path, discs_run: Path, discs_synthetic: Path, kind: str, word: str
) -> None:
    real = discs_of(discs_run)
    assert accepted(real, discs_synthetic)
    other = with_split(real, tmp_path / "other", exchange(*EXCHANGED[kind]))
    with pytest.raises(UserError, match=word):
        trial(other, discs_synthetic, out=tmp_path / "trial", progress=False, **ASKED)
    assert not (tmp_path / "trial").exists()
    predictions = tmp_path / "predictions"
    predictions.mkdir()
    with pytest.raises(UserError, match=word):
        score_predictions(
            other, [discs_synthetic], predictions=[("100F", predictions)], out=tmp_path / "scored", progress=False
        )
    assert not (tmp_path / "scored").exists()


def test_a_generator_that_painted_masks_of_test_subjects(tmp_path: Path, painted_run: Path) -> None:
    real = discs_of(painted_run)
    options: dict[str, Any] = {"n": 12, "seed": 0, "device": "cpu"}
    assert accepted(real, sample(painted_run, out=tmp_path / "honest", **options))
    painted = sample(painted_run, out=tmp_path / "painted", masks=real, **options)
    with pytest.raises(UserError, match='has learned from labels of the test subject "subject_06" and 1 more'):
        trial(real, painted, out=tmp_path / "trial", progress=False, **ASKED)
    assert not (tmp_path / "trial").exists()
