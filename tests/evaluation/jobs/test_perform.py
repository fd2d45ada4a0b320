"""How a job ends is told by a file."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from segmint.errors import UserError
from segmint.evaluation.generator import GeneratorOrders
from segmint.evaluation.jobs import perform as performing
from segmint.evaluation.jobs.curation_job import CurationJob
from segmint.evaluation.jobs.pairs_job import PairsJob
from segmint.evaluation.jobs.perform import Outcome, perform, read_job, read_outcome, tell_job


def generator(folder: Path, real: Path, study: Any, **options: Any) -> PairsJob:
    chosen: dict[str, Any] = {
        "title": "generator 1", "orders": GeneratorOrders("joint-stylegan2", conditions=("a",), settings={"r1_gamma": "1"}),
        "dataset": real, "split": study.split, "subset": None, "size": 16, "axis": 2, "seed": 0, "pairs": 4, "curated": 0,
        "folder": folder, "steps": 2, "batch": 4, "device": "cpu", "progress": False,
    }  # fmt: skip
    return PairsJob(**{**chosen, **options})


def test_a_generator_told_of_in_json_is_the_same(tmp_path: Path, real: Path, study: Any) -> None:
    job = generator(tmp_path / "g", real, study)
    told = tell_job(job)
    assert read_job(json.loads(told.read_text())) == job


def test_a_curation_told_of_in_json_is_the_same(tmp_path: Path, study: Any) -> None:
    job = CurationJob(
        "curation", tmp_path / "real", tmp_path / "drawn", study.split, 16, None, 4, tmp_path / "c", 2, 4, "cpu", False
    )
    assert read_job(json.loads(tell_job(job).read_text())) == job
    assert not job.finished


def test_wrong_input_is_told_in_its_sentence(tmp_path: Path, real: Path, study: Any) -> None:
    job = generator(tmp_path / "g", real, study, orders=GeneratorOrders("no-such-recipe"))
    told = tell_job(job)
    assert read_outcome(told) is None
    outcome = perform(told)
    assert outcome.kind == "wrong"
    assert "no-such-recipe" in outcome.words
    assert read_outcome(told) == outcome
    tell_job(job)
    assert read_outcome(told) is None, "what an earlier try came to is forgotten"


@pytest.mark.parametrize(
    ("error", "kind", "word"),
    [
        (lambda: UserError("Mend it."), "wrong", "^Mend it.$"),
        (
            lambda: OSError(errno.ENOSPC, "No space left on device", "/some/where"),
            "wrong",
            "/some/where: the disk is full",
        ),
        (lambda: torch.OutOfMemoryError("CUDA out of memory"), "memory", "CUDA"),
        (lambda: MemoryError(), "memory", ""),
        (lambda: ValueError("odd"), "defect", "Traceback(.|\n)*ValueError: odd"),
    ],
)
def test_every_ending_has_its_kind(
    tmp_path: Path, real: Path, study: Any, monkeypatch: pytest.MonkeyPatch, error: Callable[[], Exception], kind: str, word: str
) -> None:  # fmt: skip
    def fails(*_: Any, **__: Any) -> Any:
        raise error()

    told = tell_job(generator(tmp_path / "g", real, study))
    monkeypatch.setattr(performing, "read_job", fails)
    outcome = perform(told)
    assert outcome.kind == kind
    assert re.search(word, outcome.words)
    assert read_outcome(told) == outcome


def test_a_stop_is_told_and_passed_on(tmp_path: Path, real: Path, study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def stops(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    told = tell_job(generator(tmp_path / "g", real, study))
    monkeypatch.setattr(performing, "read_job", stops)
    with pytest.raises(KeyboardInterrupt):
        perform(told)
    assert read_outcome(told) == Outcome("stopped")
