"""The report in a real browser, offline."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmint.report.build import build_report

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--virtual-time-budget=4000",
)


def browser() -> str:
    for name in BROWSERS:
        if (path := shutil.which(name)) is not None:
            return path
    pytest.skip(f"no browser is installed ({', '.join(BROWSERS)})")


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_opens_offline_and_fits_the_screen(discs_run: Path, tmp_path: Path, width: int) -> None:
    program = browser()
    folder = tmp_path / "run"
    shutil.copytree(discs_run, folder)
    report = build_report(folder)
    picture = tmp_path / "report.png"
    flags = [*FLAGS, f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},1600"]
    page = subprocess.run(
        [program, *flags, "--dump-dom", report.as_uri()], capture_output=True, text=True, timeout=120, check=True
    ).stdout
    assert "joint-stylegan2" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    subprocess.run(
        [program, *flags, f"--screenshot={picture}", report.as_uri()], capture_output=True, timeout=120, check=True
    )
    pixels = np.asarray(Image.open(picture).convert("L"), dtype=np.float64)
    assert pixels.shape[1] == width
    # Text and pictures from top to bottom, and nothing cut off at the right edge.
    assert all(band.std() > 1 for band in np.array_split(pixels, 4))
    assert pixels[:, -2:].std() < pixels.std()
