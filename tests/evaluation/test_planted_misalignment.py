"""Segmenters trained for real, as --alignment trains them: the further masks are moved off their images, the lower the ratio."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    return importlib.import_module("planted_misalignment")


def test_alignment_falls_with_every_shift_and_where_masks_are_swapped(
    planted: ModuleType, real: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = []
    compare = planted.compare
    monkeypatch.setattr(planted, "compare", lambda *given, **named: found.append(compare(*given, **named)) or found[-1])
    monkeypatch.setattr(sys, "argv", ["planted_misalignment.py", str(real), "--size", "16", "--steps", "40"])
    planted.main()
    ratios = {name: one["mean"]["ratio"]["value"] for name, one in found[0].items()}
    assert list(ratios) == ["0 px", "1 px", "2 px", "4 px", "8 px", planted.SWAPPED]
    shifted = list(ratios.values())[:-1]
    assert 0.8 < shifted[0] < 1.3
    assert (np.diff(shifted) < -0.1).all(), shifted
    # Masks of the study overlap wherever they lie.
    assert ratios[planted.SWAPPED] < shifted[0] - 0.1
    assert [bool(found[0][f"{pixels} px"]["findings"]) for pixels in (0, 4, 8)] == [False, True, True]
    said = capsys.readouterr().out
    assert "Each shift lowers the mean ratio: yes; swapping does: yes." in said
    assert "| 8 px | " in said


def test_masks_go_where_they_are_said_to(planted: ModuleType) -> None:
    masks = np.zeros((40, 9, 9), dtype=np.uint8)
    masks[:, 4, 4] = 1
    moved = planted.shifted(masks, 3, np.random.default_rng(0))
    assert {tuple(place) for _, *place in np.argwhere(moved).tolist()} == {(1, 4), (7, 4), (4, 1), (4, 7)}
    assert not planted.shifted(masks, 5, np.random.default_rng(0)).any(), "what leaves the image is gone"
    numbered = np.broadcast_to(np.arange(40, dtype=np.uint8)[:, None, None], (40, 2, 2))
    swapped = planted.swapped(numbered, np.random.default_rng(0))[:, 0, 0]
    assert sorted(swapped) == list(range(40))
    assert (swapped != np.arange(40)).all()
