"""Pairs of a trial's own generators, curated on the way: drawn more, kept, counted."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from segmint.data.dataset import open_dataset
from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.evaluation.generator import GeneratorOrders, check_kept, drawn_pairs, to_draw
from segmint.evaluation.recipe_trial import GateOrders
from segmint.evaluation.trial import trial
from segmint.training.run_folder import RunFolder


def test_more_are_drawn_and_what_is_kept_says_so(discs_run: Path, tmp_path: Path) -> None:
    folder, config = tmp_path / "seed0", RunFolder(discs_run).config
    shutil.copytree(discs_run, folder / "run")
    parts = config["split"]
    split = Split(tuple(parts["train"]), tuple(parts["validation"]), tuple(parts["test"]))

    def draw() -> Path:
        return drawn_pairs(
            GeneratorOrders("joint-stylegan2", curate=True), discs_run.parent / "discs", split=split, subset=None, size=32,
            axis=None, seed=0, pairs=4, folder=folder, steps=4, batch=4, device="cpu", progress=False,
        )  # fmt: skip

    path = draw()
    assert path == folder / "synthetic"
    assert len(open_dataset(folder / "drawn").cases) == to_draw(4) == 6
    made = open_dataset(path).provenance
    assert made is not None
    assert {subject for _, subject in made.selected_on} == set(parts["validation"])
    written = (path / "curation.json").stat().st_mtime_ns
    assert draw() == path
    assert (path / "curation.json").stat().st_mtime_ns == written, "what is there is not made again"
    check_kept(path, needed=6)
    with pytest.raises(UserError, match="curation kept 6 of 11 pairs, and the arms take 7"):
        check_kept(path, needed=7)


def test_orders_of_trials_begun_before_stay_the_same() -> None:
    assert "curate" not in GeneratorOrders("joint-stylegan2").as_json()
    assert GeneratorOrders("joint-stylegan2", curate=True).as_json()["curate"] is True


def test_the_gate_and_the_trial_judge_the_same_kind_of_pairs(real: Path, synthetic: Path, tmp_path: Path) -> None:
    def refused(path: Path, *, curate: bool, sentence: str) -> None:
        options: dict[str, Any] = {
            "arms": ("100R", "gate"),
            "size": 16,
            "gate": GateOrders(shares=(100,)),
            "progress": False,
        }
        with pytest.raises(UserError, match=sentence):
            trial(
                real, path, out=tmp_path / "out", generator=GeneratorOrders("joint-stylegan2", curate=curate), **options
            )
        assert not (tmp_path / "out").exists()

    refused(synthetic, curate=True, sentence="is not curated, and the gate would judge pairs that are: give --curate")
    kept = tmp_path / "kept"
    shutil.copytree(synthetic, kept)
    (kept / "curation.json").write_text("{}")
    refused(kept, curate=False, sentence="is curated, and the gate would judge pairs that are not: give --curate")
