"""Which images without a label map count as learned from."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.data.dataset import open_dataset
from segmint.data.subjects import Split
from segmint.data.writer import DatasetWriter
from segmint.errors import UserError
from segmint.evaluation import evidence
from segmint.evaluation.evidence import open_evidence

SIDE = 16
SPLIT = Split(("a", "b"), ("c",), ("d",))


def write(folder: Path, labelled: str, alone: str = "", *, made: Any = None, split: Split | None = None) -> Path:
    """A slice of each subject."""
    folder.mkdir()
    random = np.random.default_rng(0)
    writer = DatasetWriter(
        folder,
        name="study",
        channel_names=("T1",),
        label_names=("background", "organ"),
        file_ending=".png",
        provenance=made,
    )
    label = np.zeros((SIDE, SIDE), np.uint8)
    label[4:9, 4:9] = 1
    for kind, subjects in (("pair", labelled), ("alone", alone)):
        for subject in subjects:
            image = random.integers(0, 255, (1, SIDE, SIDE)).astype(np.uint8)
            writer.add(f"{kind}-{subject}", image, label if kind == "pair" else None, subject=subject)
    writer.finish(split=split)
    return folder


def found(real: Path, synthetic: Path) -> tuple[set[str], set[str]]:
    """Cases with and without a label map."""
    pictured = open_evidence(real, synthetic, holdout=None, size=SIDE, axis=None, device="cpu").pictured
    cases = list(zip(pictured.cases, pictured.unlabelled, strict=True))
    assert len(pictured.images[pictured.indices]) == len(cases) == len(set(pictured.names))
    return {case for case, alone in cases if not alone}, {case for case, alone in cases if alone}


def made(study: Any, real: Path, *, labels: Collection[str], images: Collection[str]) -> Any:
    return study.provenance(open_dataset(real), labels_seen=labels, images_seen=images, selected_on=())


def test_images_of_subjects_that_were_seen(study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = write(tmp_path / "real", "abcd", "adxy", split=SPLIT)
    drawn = write(tmp_path / "drawn", "f", made=made(study, real, labels="ab", images="abx"))
    assert found(real, drawn) == ({"pair-a", "pair-b"}, {"alone-a", "alone-x"})
    for told, alone in (({}, "ax"), ({"unlabelled_slices": 7}, "ax"), ({"unlabelled_slices": None}, "x")):
        monkeypatch.setattr(evidence, "generator_runs", lambda _, told=told: [{"size": SIDE, **told}])
        assert found(real, drawn)[1] == {f"alone-{subject}" for subject in alone}, told


def test_where_nothing_is_said_those_a_training_might_see(tmp_path: Path) -> None:
    drawn = write(tmp_path / "drawn", "f")
    real = write(tmp_path / "real", "abcd", "adxy", split=SPLIT)
    assert found(real, drawn) == ({"pair-a", "pair-b"}, {"alone-a", "alone-x", "alone-y"})
    whole = write(tmp_path / "whole", "ab", "ax")
    assert found(whole, drawn) == ({"pair-a", "pair-b"}, {"alone-a", "alone-x"})


def test_an_image_is_read_with_the_subject_and_the_name_that_are_its_own(study: Any, tmp_path: Path) -> None:
    real = write(tmp_path / "real", "abcd", "xa", split=SPLIT)
    drawn = write(tmp_path / "drawn", "f", made=made(study, real, labels="ab", images="abx"))
    pictured = open_evidence(real, drawn, holdout=None, size=SIDE, axis=None, device="cpu").pictured
    assert pictured.names == ["pair-a", "pair-b", "alone-a", "alone-x"]
    assert pictured.subjects == ["a", "b", "a", "x"]
    assert pictured.units.tolist() == [0, 1, 0, 2]
    opened = open_dataset(real)
    by_id = {case.id: case for case in (*opened.cases, *opened.unlabelled)}
    for image, name in zip(pictured.images[pictured.indices], pictured.names, strict=True):
        stored = opened.read_image(by_id[name])[0].astype(float)
        assert np.corrcoef(image[0].ravel(), stored.ravel())[0, 1] > 0.999
    some = pictured.at(np.array([False, True, True, False]))
    assert (some.names, some.unlabelled.tolist()) == (["pair-b", "alone-a"], [False, True])
    assert np.array_equal(some.images[some.indices], pictured.images[pictured.indices[1:3]])


def test_pairs_of_another_plane_are_refused(real: Path, synthetic: Path) -> None:
    with pytest.raises(UserError, match=r"holds slices along axis 2, .* along axis 0: give --axis 2\."):
        open_evidence(real, synthetic, holdout=None, size=16, axis=0, device="cpu")
