"""Warnings, each told once."""

from __future__ import annotations

from segmint.report.health import gather_warnings


def test_warnings_are_grouped_by_stage_and_code() -> None:
    collapse = {"code": "mode_collapse", "message": "m", "advice": "a"}
    log = [
        {"stage": "00-a", "kimg": 1.0, "health": [collapse]},
        {"stage": "00-a", "kimg": 2.0, "health": []},
        {"stage": "00-a", "kimg": 3.0, "health": [{**collapse, "message": "later"}]},
        {"stage": "01-b", "kimg": 1.5, "health": [collapse]},
    ]
    first, second = gather_warnings(log)
    assert (first.code, first.message, first.count) == ("mode collapse", "later", 2)
    assert first.when == "2 times, from 1 to 3 kimg"
    assert second.when == "once, at 1.5 kimg"
