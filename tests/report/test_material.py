"""Reading what a folder holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from segmint.errors import UserError
from segmint.report.material import gather, read_log


def test_a_line_cut_short_by_a_kill_is_left_out(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"kimg": 1}\n{"kimg": 2}\n{"ki')
    assert [tick["kimg"] for tick in read_log(log)] == [1, 2]


def test_a_damaged_line_before_the_last_is_named(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"ki\n{"kimg": 2}\n')
    with pytest.raises(UserError, match="line 1"):
        read_log(log)


def test_a_folder_of_each_kind(workflow_folder: Path, tmp_path: Path) -> None:
    whole = gather(workflow_folder)
    assert whole.run is not None
    assert whole.run.state == "done"
    assert [path.name for path in whole.run.fakes] == ["fakes_000001.png", "fakes_000004.png", "fakes_000012.png"]
    assert whole.trial is not None
    assert whole.steps is not None
    assert gather(workflow_folder / "run").trial is None
    assert gather(workflow_folder / "trial").run is None
    with pytest.raises(UserError, match="is not a folder"):
        gather(tmp_path / "absent")
