"""Changed files of every format are read rightly or refused; and the fuzzing would notice if they were not."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
NEEDS = {"mha": ("SimpleITK",), "dicom": ("pydicom", "highdicom")}


def _fuzz(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, BENCHMARKS / "fuzzing.py", *words], capture_output=True, text=True, check=False
    )


def _kinds() -> str:
    """Those whose libraries are there."""
    kinds = ["png", "tiff", "nifti", "json"]
    return ",".join([*kinds, *(kind for kind, names in NEEDS.items() if all(map(importlib.util.find_spec, names)))])


def test_some_changed_files_of_every_format() -> None:
    done = _fuzz("--kinds", _kinds(), "--files", "150", "--commands", "0", "--workers", "1", "--seed", "7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "DEFECT" not in done.stdout
    assert done.stderr == ""


@pytest.mark.slow
def test_many_changed_files_and_some_commands() -> None:
    done = _fuzz("--kinds", _kinds(), "--files", "2000", "--commands", "50", "--workers", "2")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def fuzzing(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    module = importlib.import_module("fuzzing")
    monkeypatch.setattr(module, "SECONDS", 1.0)
    monkeypatch.setattr(module, "MEMORY", 500_000_000)
    return module


def _raise(error: Exception) -> Callable[..., None]:
    def read(*_: Any) -> None:
        raise error

    return read


def _wrong(*_: Any) -> None:
    raise importlib.import_module("fuzz_reading").Wrong("other values")


@pytest.mark.parametrize(
    ("read", "outcome"),
    [
        (lambda *_: None, "read rightly"),
        (_raise(ValueError("no sentence")), "traceback"),
        (_wrong, "wrong values"),
        (lambda *_: np.ones(100_000_000), "out of memory"),
        (lambda *_: time.sleep(60), "hang"),
        (lambda *_: os._exit(3), "worker died"),
    ],
)
def test_every_defect_is_noticed(
    read: Callable[..., Any], outcome: str, fuzzing: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuzzing, "read_and_compare", read)
    worker = fuzzing.Worker(tmp_path / "work")
    original = fuzzing.originals(["json"])["json"][0]
    for _ in range(2):  # a worker that was replaced works on
        worker.start(original, b"{}")
        while (found := worker.outcome()) is None:
            time.sleep(0.01)
        assert found.outcome == outcome
    worker.stop()


def test_the_same_number_makes_the_same_file(fuzzing: ModuleType) -> None:
    made = fuzzing.originals(["png", "json"])
    for number in range(6):
        one, other = (fuzzing._changed(made, ["png", "json"], number, 3) for _ in range(2))
        assert one[1] == other[1]
        assert one[0] is other[0]
