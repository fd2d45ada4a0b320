from __future__ import annotations

from pathlib import Path

import pytest

from segmint.training.train import train


def told(discs: Path, out: Path, capsys: pytest.CaptureFixture[str], **options: str) -> str:
    train("vess2image", discs, out=out, size=32, kimg=0.008, mask_source="real", device="cpu", dry_run=True, **options)  # type: ignore[arg-type]
    return " ".join(capsys.readouterr().err.split())


def test_what_is_not_as_published_for_a_cpus_sake_is_said(
    discs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = "vess2image as published, but for its widths (width 0.25 for 1.0): --capacity full has those"
    assert sentence in told(discs, tmp_path / "run", capsys, preset="faithful")
    assert "as published" not in told(discs, tmp_path / "run", capsys, preset="faithful", capacity="full")
    assert "as published" not in told(discs, tmp_path / "run", capsys, preset="repaired")
