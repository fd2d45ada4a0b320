"""Killed for real, at moments that nobody chose, and resumed: the same weights as an undisturbed run, bit for bit."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from segmint.training.run_folder import RunFolder

SETTINGS = ["--set", "latent_size=8", "--set", "width_base=128", "--set", "width_maximum=8"]
SEGMINT = [sys.executable, "-c", "from segmint.cli.main import main; raise SystemExit(main())"]
KILLS = 5


def command(dataset: Path, out: Path, *more: str) -> list[str]:
    arguments = ["--size", "32", "--kimg", "4", "--batch", "8", "--threads", "1", "--device", "cpu", *SETTINGS]
    return [*SEGMINT, "train", "joint-stylegan2", str(dataset), "--out", str(out), *arguments, *more]


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def weights(run: Path) -> dict[str, torch.Tensor]:
    (stage,) = RunFolder(run).stage_folders()
    entry = json.loads((stage / "checkpoints" / "last.json").read_text())
    return load_file(stage / "checkpoints" / entry["weights"])


@pytest.mark.slow
def test_killed_five_times_it_ends_with_the_same_weights(discs: Path, tmp_path: Path) -> None:
    subprocess.run(command(discs, tmp_path / "whole"), env=environment(), check=True, capture_output=True)
    moments = random.Random(7)
    killed_at: list[int] = []
    out = tmp_path / "killed"
    while len(killed_at) < KILLS:
        # A run that is killed before its folder is opened has nothing to resume.
        more = ["--resume"] if (out / "config.json").exists() else []
        process = subprocess.Popen(
            command(discs, out, *more), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        before = _logged(out)
        while process.poll() is None and _logged(out) == before:
            time.sleep(0.002)
        time.sleep(moments.random())
        assert process.poll() is None, "the run ended before it was killed five times: lengthen it"
        process.kill()
        process.wait()
        killed_at.append(_logged(out))
    subprocess.run(command(discs, out, "--resume"), env=environment(), check=True, capture_output=True)
    whole, resumed = weights(tmp_path / "whole"), weights(out)
    assert whole.keys() == resumed.keys()
    different = [name for name in whole if not torch.equal(whole[name], resumed[name])]
    assert not different, f"killed after {killed_at} images, these differ: {different}"
    lines = [RunFolder(run).log() for run in (tmp_path / "whole", out)]
    losses = [[(line["images"], line["validation"]) for line in log] for log in lines]
    assert losses[0] == losses[1]


def _logged(run: Path) -> int:
    log = RunFolder(run).log()
    return int(log[-1]["images"]) if log else 0
