from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from segmint.errors import UserError
from segmint.training.run_folder import RunFolder, RunLog, describe_environment


def tick(stage: str, images: int) -> dict[str, Any]:
    return {"stage": stage, "images": images, "kimg": images / 1000, "losses": {}, "validation": None, "health": []}


def test_the_log_is_cut_back_to_the_checkpoint(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "log.jsonl")
    for stage, images in (("00-a", 10), ("00-a", 20), ("01-b", 10), ("01-b", 20)):
        log.append(tick(stage, images))
    log.cut_back("01-b", 10)
    assert [(line["stage"], line["images"]) for line in log.lines()] == [("00-a", 10), ("00-a", 20), ("01-b", 10)]


def test_a_line_cut_short_by_a_crash_is_left_out(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "log.jsonl")
    log.append(tick("00-a", 10))
    with log.path.open("a") as handle:
        handle.write('{"stage": "00-a", "ima')
    assert len(log.lines()) == 1


@pytest.mark.parametrize("line", ["[]", '{"stage": "00-a"}', '{"stage": 1, "images": "many"}', "[" * 100_000])
def test_a_line_of_something_else_is_one_sentence(line: str, tmp_path: Path) -> None:
    log = RunLog(tmp_path / "log.jsonl")
    log.append(tick("00-a", 10))
    with log.path.open("a") as handle:
        handle.write(f"{line}\n")
    with pytest.raises(UserError, match="line 2 is no line of a training"):
        log.lines()


def test_a_folder_that_is_no_run_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a run"):
        _ = RunFolder(tmp_path).config


def test_the_environment_names_machine_and_versions() -> None:
    described = describe_environment()
    assert described["cpu"]
    assert described["packages"]["torch"] == described["torch"].split("+")[0] or described["packages"]["torch"]
    assert described["memory_gb"] > 0
