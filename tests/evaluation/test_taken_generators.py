from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from segmint.errors import UserError
from segmint.evaluation.generator import GeneratorOrders
from segmint.evaluation.taken_generators import opened_with_generators
from segmint.evaluation.trial import trial

ORDERS = GeneratorOrders("joint-stylegan2", kimg=0.008, batch=4, precision="float32", threads=1)
RUN = "generators/seed0/run"


def tried(real: Path, out: Path, **options: Any) -> Path:
    chosen: dict[str, Any] = {
        "arms": ("100R", "100R+100F"), "size": 32, "generator": ORDERS, "seeds": 1, "steps": 2, "batch": 4, "progress": False,
    }  # fmt: skip
    return trial(real, out=out, **{**chosen, **options})


@pytest.fixture(scope="module")
def done(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trial that has trained its generator."""
    return tried(real, tmp_path_factory.mktemp("trials") / "done")


def pairs_of(out: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted((out / "generators/seed0/synthetic").glob("images*/*")))


def test_another_trial_takes_the_generator_and_draws_the_same_pairs(tmp_path: Path, real: Path, done: Path) -> None:
    other = tried(real, tmp_path / "other", generators_of=done, augment=("flips",), arms=("100R", "100F"))
    assert (other / RUN / "log.jsonl").read_bytes() == (done / RUN / "log.jsonl").read_bytes(), "seconds are in it"
    assert pairs_of(other) == pairs_of(done)
    assert json.loads((other / "settings.json").read_text())["augment"] == ["flips"]
    anew = tried(real, tmp_path / "anew", augment=("flips",), arms=("100R", "100F"))
    assert pairs_of(anew) == pairs_of(done), "and training it here would have come to the same"
    scores = [json.loads((out / "trial.json").read_text())["scores"] for out in (other, anew)]
    assert scores[0] == scores[1]


def test_in_each_fold(tmp_path: Path, real: Path) -> None:
    first = tried(real, tmp_path / "first", folds=2)
    other = tried(real, tmp_path / "other", folds=2, generators_of=first, arms=("100R", "100F"))
    for fold in (0, 1):
        logs = [(out / f"fold{fold}" / RUN / "log.jsonl").read_bytes() for out in (first, other)]
        assert logs[0] == logs[1]
    with pytest.raises(UserError, match="its generators are others, by folds"):
        tried(real, tmp_path / "more", folds=3, generators_of=first)


def test_those_that_are_not_finished_are_trained(tmp_path: Path, real: Path, done: Path) -> None:
    other = tried(real, tmp_path / "other", seeds=2, generator_seeds=2, generators_of=done)
    assert (other / RUN / "log.jsonl").read_bytes() == (done / RUN / "log.jsonl").read_bytes()
    assert json.loads((other / "generators/seed1/run/state.json").read_text())["status"] == "done"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"generator": GeneratorOrders("joint-stylegan2", kimg=0.004, batch=4)}, "by generator's kimg, generator's precision"),
        ({"size": 64}, "its generators are others, by size"),
        ({"generator": None}, "this trial trains none: name their recipe with --recipe"),
    ],
)  # fmt: skip
def test_generators_of_something_else_are_refused(
    tmp_path: Path, real: Path, done: Path, options: dict[str, Any], expected: str
) -> None:
    with pytest.raises(UserError, match=expected):
        tried(real, tmp_path / "other", generators_of=done, **options)
    assert not (tmp_path / "other").exists()


def test_what_holds_no_finished_generator_is_refused(tmp_path: Path, real: Path, done: Path) -> None:
    with pytest.raises(UserError, match="it holds no trial that trains generators"):
        tried(real, tmp_path / "other", generators_of=real)
    with pytest.raises(UserError, match="it is this trial itself"):
        tried(real, done, generators_of=done)
    stopped = tmp_path / "stopped"
    shutil.copytree(done, stopped)
    (stopped / RUN / "state.json").write_text('{"status": "interrupted"}')
    with pytest.raises(UserError, match="none of its generators that this trial needs is finished"):
        tried(real, tmp_path / "other", generators_of=stopped)
    (stopped / RUN / "state.json").write_text('{"status": "done"}')
    with pytest.raises(UserError, match=r"is or holds .*stopped, which is read here"):
        tried(real, tmp_path, generators_of=stopped, overwrite=True)
    assert (stopped / "trial.json").exists()


@pytest.mark.parametrize("folds", [2, 3])
def test_the_gates_are_taken_where_it_deals_the_same_folds(tmp_path: Path, done: Path, folds: int) -> None:
    """A folder laid out as that of a trial with a gate, the same run at every place."""
    source, out = tmp_path / "source", tmp_path / "out"
    settings = json.loads((done / "settings.json").read_text()) | {"gate": {"folds": 2, "seeds": 1}}
    source.mkdir()
    (source / "settings.json").write_text(json.dumps(settings))
    places = [f"gate/fold{fold}/generator/run" for fold in (0, 1)]
    for place in (*places, RUN, "generators/seed1/run", "cells/100R-seed0/run"):
        shutil.copytree(done / RUN, source / place)
    asked = settings | {"gate": {"folds": folds, "seeds": 2}, "augment": ["strong"]}
    with opened_with_generators(source, out, asked, overwrite=False, inputs=[source], console=Console(quiet=True)):
        found = sorted(path.parent.relative_to(out).as_posix() for path in out.glob("**/config.json"))
    assert found == [*(places if folds == 2 else ()), RUN], "the trial has one generator of its own"
