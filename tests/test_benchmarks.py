"""The benchmark runs; what it measures is no test's business."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
