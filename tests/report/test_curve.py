"""The page of a label-efficiency curve."""

from __future__ import annotations

import json
import re
from itertools import count
from pathlib import Path
from typing import Any

from segmint.report.build import build_report
from segmint.report.curve import curve_section


def point(labelled: int, arm: str, mean: float | None, gain: float | None) -> dict[str, Any]:
    spread = [None, None] if mean is None else [mean - 0.1, mean + 0.1]
    around = [None, None] if gain is None else [gain - 0.02, gain + 0.02]
    return {
        "labelled": labelled,
        "arm": arm,
        "slices": 3 * labelled,
        "mean": mean,
        "interval": spread,
        "difference_to_real": {"difference": gain, "interval": around},
    }


CURVE = {
    "format": 1,
    "dataset": {"name": "hearts", "identity": "hearts-1", "label_names": ["background", "ventricle"]},
    "size": 32, "steps": 60, "batch": 8, "seeds": 2, "segmenter": "unet", "test_subjects": ["a", "b", "c"],
    "labelled": [{"subjects": 2, "slices": 6, "all": False}, {"subjects": 9, "slices": 27, "all": True}],
    "arms": [
        {"name": "real", "title": "U-Net", "own": False},
        {"name": "with-x", "title": "U-Net with <pairs> of x", "own": True},
    ],
    "points": [
        point(2, "real", 0.5, 0.0), point(2, "with-x", 0.567, 0.067), point(9, "real", 0.8, 0.0), point(9, "with-x", None, None),
    ],
    "notes": ["Descriptive: 3 test subjects are fewer than 15."],
}  # fmt: skip


def test_the_section_holds_every_point() -> None:
    section = curve_section(CURVE, count(1))
    assert section is not None
    assert section["headings"] == ["2", "9 (all)"]
    assert section["rows"] == [
        ("U-Net", [["0.500", "0.400 to 0.600", ""], ["0.800", "0.700 to 0.900", ""]]),
        ("U-Net with <pairs> of x", [["0.567", "0.467 to 0.667", "+6.7 (+4.7 to +8.7)"], ["–"]]),
    ]
    assert "trained 2 times on each of 2 training sets, for 2 numbers of labelled subjects" in section["design"]
    assert curve_section(None, count(1)) is None


def test_the_page_of_a_curve_stands_alone(tmp_path: Path) -> None:
    (tmp_path / "curve.json").write_text(json.dumps(CURVE))
    source = build_report(tmp_path).read_text(encoding="utf-8")
    assert "How many labels does hearts need?" in source
    assert 'id="curve"' in source
    assert 'href="#curve"' in source
    assert "A curve describes what labels and pairs are worth" in source
    assert "Descriptive: 3 test subjects" in source
    assert "<pairs>" not in source
    assert re.search(r'(src|href)="(?!#|data:)', source) is None
