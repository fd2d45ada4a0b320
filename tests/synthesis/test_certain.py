"""Pairs whose label maps are least certain are dropped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segmint.data.dataset import open_dataset
from segmint.errors import UserError
from segmint.evaluation.seen import Parts, check_seen
from segmint.synthesis.certain import candidates, most_certain
from segmint.synthesis.open_run import open_sampler
from segmint.synthesis.sample import sample
from segmint.training.run_folder import RunFolder


def test_how_many_are_drawn_and_which_stay() -> None:
    assert [candidates(n, 0.9) for n in (1, 9, 10, 900)] == [2, 10, 12, 1000]
    assert candidates(5, 1.0) == 5
    uncertainty = np.array([0.3, 0.1, 0.2, 0.1, 0.5], dtype=np.float32)
    assert most_certain(uncertainty, 3).tolist() == [1, 2, 3]


def test_the_same_pairs_come_whatever_is_asked_at_once(interpreted_run: Path) -> None:
    sampler = open_sampler(interpreted_run, device="cpu")
    whole, part = sampler.draw(34, seed=3), sampler.draw(2, seed=3, first=32)
    assert whole.uncertainty is not None
    assert part.uncertainty is not None
    assert np.array_equal(whole.images[32:], part.images)
    assert np.array_equal(whole.labels[32:], part.labels)
    assert np.array_equal(whole.uncertainty[32:], part.uncertainty)


def test_a_set_holds_the_most_certain_pairs_with_their_uncertainty(interpreted_run: Path, tmp_path: Path) -> None:
    out = sample(interpreted_run, n=6, keep=0.5, truncation=1.0, out=tmp_path / "out", device="cpu")
    dataset = open_dataset(out)
    drawn = open_sampler(interpreted_run, device="cpu").draw(12, seed=0)
    assert drawn.uncertainty is not None
    kept = most_certain(drawn.uncertainty, 6)
    assert [case.id for case in dataset.cases] == [f"synthetic_s0_{i:06d}" for i in kept]
    assert np.allclose([case.uncertainty for case in dataset.cases], drawn.uncertainty[kept])
    assert (out / "kept_and_dropped.png").is_file()
    assert {path.name for path in out.iterdir()} == {
        "imagesTr",
        "labelsTr",
        "dataset.json",
        "segmint.json",
        "DATASHEET.md",
        "MODEL_CARD.md",
        "kept_and_dropped.png",
    }
    assert dataset.provenance is not None
    assert (dataset.provenance.keep, dataset.provenance.truncation) == (0.5, 1.0)
    inside = (slice(4, -4), slice(4, -4))
    for number, case in zip(kept, dataset.cases, strict=True):
        assert np.array_equal(dataset.read_label(case), drawn.labels[number][inside])


def test_the_recipe_says_what_is_kept_and_truncated(interpreted_run: Path, tmp_path: Path) -> None:
    dataset = open_dataset(sample(interpreted_run, n=2, out=tmp_path / "out", device="cpu"))
    assert dataset.provenance is not None
    assert (dataset.provenance.keep, dataset.provenance.truncation) == (0.9, 0.7)


def test_a_trial_takes_the_set_where_its_arm_has_the_same_labels(interpreted_run: Path, tmp_path: Path) -> None:
    out = sample(interpreted_run, n=2, out=tmp_path / "out", device="cpu")
    config = RunFolder(interpreted_run).config
    labelled = [subject for _, subject in config["labels_seen"]]
    split = config["split"]
    parts = Parts(config["dataset"]["identity"], labelled, split["validation"], split["test"])
    notes = check_seen(out, open_dataset(out).provenance, parts, arm="100F")
    assert any("images, without labels, of 2 more subjects" in note for note in notes)
    fewer = Parts(config["dataset"]["identity"], labelled[:1], split["validation"], split["test"])
    with pytest.raises(UserError, match="has learned from labels of"):
        check_seen(out, open_dataset(out).provenance, fewer, arm="100F")


def test_what_cannot_be_kept_is_one_sentence(interpreted_run: Path, discs_run: Path, tmp_path: Path) -> None:
    for run, arguments, sentence in (
        (discs_run, {"keep": 0.9}, "do not tell how certain"),
        (interpreted_run, {"keep": 0.0}, "--keep 0 must be"),
        (interpreted_run, {"keep": 0.9, "balance": {"core": 0.5}}, "exclude each other"),
    ):
        with pytest.raises(UserError, match=sentence):
            sample(run, n=1, out=tmp_path / "out", device="cpu", **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()
