from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from segmint.training.progress import Progress, clock, describe


def line(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "images": 2000,
        "kimg": 2.0,
        "images_per_second": 10.0,
        "memory_mb": 512,
        "losses": {"generator": {"adversarial": 1.25}},
        "augmentation": 0.5,
        "validation": None,
        "health": [],
    }
    return {**base, **changes}


def test_a_line_says_what_a_user_wants_to_know() -> None:
    said = describe(line(), total=8000)
    for part in (
        "2.0/8 kimg",
        "10.0 img/s",
        "10:00 left",
        "512 MB",
        "generator adversarial 1.250",
        "augmentation 0.50",
    ):
        assert part in said


def test_clock() -> None:
    assert [clock(s) for s in (0, 61, 3661)] == ["0:00", "1:01", "1:01:01"]


def test_a_finding_is_named_when_it_comes_and_when_it_goes() -> None:
    shown = io.StringIO()
    progress = Progress(Console(file=shown, width=400), total=8000)
    finding = {"code": "mode_collapse", "message": "fakes are alike", "advice": "train longer"}
    for health in ([], [finding], [finding], []):
        progress(line(health=health))
    assert shown.getvalue().count("fakes are alike. Try: train longer.") == 1
    assert shown.getvalue().count("mode collapse is over") == 1
