"""A curve with real generators and segmenters, killed for real and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import DATASETGAN, draw_discs

SETTINGS = {
    **{f"datasetgan.{key}": value for key, value in DATASETGAN.items()},
    "joint-stylegan2.latent_size": "8",
    "joint-stylegan2.width_base": "128",
    "joint-stylegan2.width_maximum": "8",
}


def started(dataset: Path, out: Path, *more: str) -> subprocess.Popen[bytes]:
    words = [
        "curve", str(dataset), "--out", str(out), "--recipes", "datasetgan,joint-stylegan2", "--labelled", "1,all",
        "--seeds", "1", "--size", "32", "--kimg", "0.016", "--batch", "4", "--steps", "6", "--trial-batch", "4",
        "--device", "cpu", "--precision", "float32", "--threads", "1",
    ]  # fmt: skip
    words += more
    for key, value in SETTINGS.items():
        words += ["--set", f"{key}={value}"]
    code = "import sys; from segmint.cli.main import main; sys.exit(main())"
    return subprocess.Popen([sys.executable, "-c", code, *words], env={**os.environ, "OMP_NUM_THREADS": "1"})


def told(out: Path) -> dict[str, Any]:
    """curve.json without paths and hashes, which name the folder."""
    content: dict[str, Any] = json.loads((out / "curve.json").read_text())
    for point in content["points"]:
        del point["synthetic"]
    return content


@pytest.mark.slow
def test_killed_and_gone_on_with_it_ends_as_if_undisturbed(tmp_path: Path) -> None:
    dataset = draw_discs(tmp_path / "discs")
    assert started(dataset, tmp_path / "whole").wait() == 0
    whole = told(tmp_path / "whole")
    assert {(point["labelled"], point["arm"]) for point in whole["points"]} == {
        (count, arm) for count in (1, 4) for arm in ("real", "real-strong", "with-datasetgan", "with-joint-stylegan2")
    }
    # What sees no labels was trained once.
    second = json.loads((tmp_path / "whole/labelled-4/generators/datasetgan/run/config.json").read_text())
    assert list(second["taken_over"]) == ["00-images"]

    out = tmp_path / "killed"
    for reached in ("labelled-1/generators/datasetgan/run/stages/01-inversion", "labelled-4/cells/real-seed0"):
        process = started(dataset, out)
        while not (out / reached).exists() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (out / "curve.json").exists()
    assert started(dataset, out).wait() == 0
    assert told(out) == whole
    assert (out / "curve.csv").read_bytes() == (tmp_path / "whole" / "curve.csv").read_bytes()

    # Levels beside one another, the second's generators once the first's are there.
    assert started(dataset, tmp_path / "processes", "--processes", "3").wait() == 0
    assert told(tmp_path / "processes") == whole
    second = json.loads((tmp_path / "processes/labelled-4/generators/datasetgan/run/config.json").read_text())
    assert list(second["taken_over"]) == ["00-images"]
