"""The section on curation, from curation.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmint.outputs import write_json
from segmint.report.build import build_report

HOSTILE = "<script>alert(1)</script>"


def write_curation(folder: Path, *, segmenter: bool = True) -> Path:
    (folder / "synthetic").mkdir(parents=True)
    write_json(folder / "steps.json", {"steps": [], "verb": "run"})
    share = {"share": {"before": 0.4, "after": 0.2}, "area": {"before": 30.0, "after": None}}
    bands: dict[str, Any] = {"bands": [{"from_pixels": 1, "slices": 40, "least_dice": least} for least in (0.0, 0.7)]}
    content: dict[str, Any] = {
        "counts": {"pairs": 20, "kept": 12, "dropped": 8, "disagreement": 6, "near-copy": 3} if segmenter else
        {"pairs": 20, "kept": 17, "dropped": 3, "near-copy": 3},
        "segmenter": {"recipe": "unet"} if segmenter else None,
        "thresholds": {HOSTILE: bands, "vessel": None} if segmenter else None,
        "held_out": {"slices": 50, "subjects": 5, "would_be_dropped": 0.06} if segmenter else None,
        "balance": {HOSTILE: share, "vessel": share},
        "warnings": ["Curation made it rarer."],
        "notes": ["vessel is in too few."],
        "pictures": ["kept.png", "copies.png"],
    }  # fmt: skip
    write_json(folder / "synthetic" / "curation.json", content)
    for name in content["pictures"]:
        Image.fromarray(np.zeros((30, 40, 3), dtype=np.uint8)).save(folder / "synthetic" / name)
    return folder


@pytest.mark.parametrize("segmenter", [True, False])
def test_the_section_tells_what_was_dropped_and_shows_pairs(tmp_path: Path, segmenter: bool) -> None:
    text = build_report(write_curation(tmp_path / "out", segmenter=segmenter)).read_text(encoding="utf-8")
    assert HOSTILE not in text
    assert '<section id="curation">' in text
    assert 'href="#curation"' in text
    assert "Curation made it rarer." in text
    assert "vessel is in too few." in text
    assert "40.0%" in text
    assert text.count("data:image/png") == 2
    if segmenter:
        assert (
            "12 of 20 pairs kept; dropped: 6 whose masks a segmenter of real slices disagrees with, 3 near-copies"
            in text
        )
        assert "the same rule would drop 6.0%" in text
        assert "0.00–0.70" in text
    else:
        assert "17 of 20 pairs kept; dropped: 3 near-copies of training images." in text
        assert "Image channels, and the last one with the mask." in text


def test_without_curation_there_is_no_section(tmp_path: Path) -> None:
    folder = write_curation(tmp_path / "out")
    (folder / "synthetic" / "curation.json").unlink()
    assert 'id="curation"' not in build_report(folder).read_text(encoding="utf-8")
