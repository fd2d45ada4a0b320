"""The benchmark runs; what it measures is no test's business."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from segmint.errors import UserError

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.parametrize("variant", ["plain", "regularised"])
def test_the_training_step_is_measured(variant: str) -> None:
    sizes = {"size": 32, "width-base": 128, "width-maximum": 8, "latent-size": 8, "batch": 2, "rounds": 1, "steps": 1}
    options = [word for name, value in sizes.items() for word in (f"--{name}", str(value))]
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "training_step.py", *options, "--threads", "1", "--variant", variant],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "segmint float32" in done.stdout


def test_the_translator_step_is_measured() -> None:
    sizes = {"size": 32, "label-maps": 2, "image-channels": 1, "filters": 4, "batch": 2, "rounds": 1, "steps": 1}
    options = [word for name, value in sizes.items() for word in (f"--{name}", str(value))]
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "translator_step.py", *options, "--threads", "1", "--clock", "processor"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "segmint float32: parameters of the generator" in done.stdout
    assert "other float32" not in done.stdout


def test_the_shares_of_a_step_are_shares(
    measure_translator: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    measure_translator(size=32, profile=True)
    told = " ".join(capsys.readouterr().out.split())
    assert "img/s" not in told
    found = re.search(
        r"segmint float32, batch 1: convolutions (\d+)%, normalisation (\d+)%, optimisers (\d+)%, all else (\d+)%", told
    )
    assert found is not None
    assert 98 <= sum(map(int, found.groups())) <= 102
    assert int(found[1]) > 0


@pytest.fixture
def measure_translator(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The benchmark's own main, so that refusals need no process each; tiny and with no more threads than before."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    main = importlib.import_module("translator_step").main
    return partial(main, size=128, filters=1, batch=[1], rounds=1, steps=1, threads=torch.get_num_threads())


def test_translators_of_other_sizes_are_not_compared(tmp_path: Path, measure_translator: Callable[..., None]) -> None:
    (tmp_path / "models").mkdir()
    # The same functions as the release has, with networks that are far too small.
    (tmp_path / "models" / "networks.py").write_text(
        "from torch import nn\n"
        "def define_G(inputs, outputs, filters, kind, norm, use_dropout): return nn.Conv2d(inputs, outputs, 1)\n"
        "def define_D(inputs, filters, kind, norm): return nn.Conv2d(inputs, 1, 1)\n"
        "class GANLoss(nn.Module):\n"
        "    def __init__(self, kind): super().__init__(); self.loss = nn.BCEWithLogitsLoss()\n"
    )
    with pytest.raises(UserError, match=r"The generator of other float32 has 12 parameters .* cannot\s+be compared"):
        measure_translator(other=tmp_path)


def test_a_folder_without_translator_is_refused(tmp_path: Path, measure_translator: Callable[..., None]) -> None:
    with pytest.raises(UserError, match=r"has no models/networks.py"):
        measure_translator(other=tmp_path)


def test_the_honesty_of_intervals_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.setattr(sys, "argv", ["trial_honesty.py", "--tables", "3", "--resamples", "50", "--only", "lgg"])
    importlib.import_module("trial_honesty").main()
    lines = capsys.readouterr().out.splitlines()
    assert sum("intervals that miss, percentile / studentised" in line for line in lines) == 3
    assert sum("30 subjects" in line for line in lines) == 3


@pytest.mark.slow
def test_the_honesty_of_real_trials_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    words = ["--real", "--out", tmp_path, "--repetitions", "1", "--subjects", "10", "--steps", "2", "--seeds", "1"]
    monkeypatch.setattr(sys, "argv", ["trial_honesty.py", *map(str, words)])
    main = importlib.import_module("trial_honesty").main
    main()
    once = capsys.readouterr().out
    assert "equal arms: a difference claimed in 0 of 1" in once or "in 1 of 1" in once
    cells = sorted((tmp_path / "repetition00" / "trial" / "cells").iterdir())
    assert [cell.name for cell in cells] == ["100R-seed0", "100R-seed1", "50R-seed0"]
    main()
    assert capsys.readouterr().out == once
