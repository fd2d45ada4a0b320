"""Commands as they would be typed, and the folder that a workflow goes on with."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from segmint.errors import UserError
from segmint.outputs import read_json
from segmint.workflow.steps import Step, command, opened_workflow, write_record

SETTINGS: dict[str, Any] = {"dataset": "/data/hearts", "kimg": 60.0, "arms": ["100R", "100F"]}


def record(out: Path) -> None:
    write_record(
        out, verb="run", demonstration=False, recipe="r", why="w", settings=SETTINGS, steps=[Step("a", "b", "c")]
    )


def test_a_command_can_be_pasted_into_a_shell() -> None:
    line = command(
        "train",
        "r",
        "/my data/it's",
        out="run",
        kimg=2.5,
        batch=None,
        resume=True,
        overwrite=False,
        arms=("100R", "100F"),
        set={"a": "1", "b": "x y"},
        labelled_subjects=0,
    )
    words = shlex.split(line)
    assert words[:4] == ["segmint", "train", "r", "/my data/it's"]
    assert words[4:] == [
        *("--out", "run", "--kimg", "2.5", "--resume", "--arms", "100R,100F", "--set", "a=1", "--set", "b=x y"),
        *("--labelled-subjects", "0"),
    ]


def opened(out: Path, settings: Mapping[str, Any], *, resume: bool, overwrite: bool) -> None:
    with opened_workflow(out, settings, verb="run", resume=resume, overwrite=overwrite):
        pass


def test_two_calls_do_not_write_one_folder(tmp_path: Path) -> None:
    record(tmp_path)
    with (
        opened_workflow(tmp_path, SETTINGS, verb="run", resume=True, overwrite=False),
        pytest.raises(UserError, match="in use by another segmint process"),
    ):
        opened(tmp_path, SETTINGS, resume=True, overwrite=False)


def test_an_absent_or_empty_folder_is_begun(tmp_path: Path) -> None:
    for out, resume in ((tmp_path / "a" / "out", False), (tmp_path / "b", True)):
        with opened_workflow(out, SETTINGS, verb="demo", resume=resume, overwrite=False):
            # Whoever is killed here can go on.
            assert read_json(out / "steps.json")["settings"] == SETTINGS
            assert read_json(out / "steps.json")["demonstration"] is True


def test_a_begun_folder_is_gone_on_with_only_when_told(tmp_path: Path) -> None:
    record(tmp_path)
    with pytest.raises(UserError, match="--resume"):
        opened(tmp_path, SETTINGS, resume=False, overwrite=False)
    opened(tmp_path, SETTINGS, resume=True, overwrite=False)
    assert read_json(tmp_path / "steps.json")["settings"] == SETTINGS


def test_another_call_cannot_go_on_with_it(tmp_path: Path) -> None:
    record(tmp_path)
    with pytest.raises(UserError, match=r"kimg 60\.0, now it is 30"):
        opened(tmp_path, {**SETTINGS, "kimg": 30.0}, resume=True, overwrite=False)


def test_overwriting_takes_away_only_what_segmint_wrote(tmp_path: Path) -> None:
    ours, foreign = tmp_path / "ours", tmp_path / "foreign"
    for folder in (ours, foreign):
        folder.mkdir()
        (folder / "thesis.docx").write_text("years of work")
    record(ours)
    opened(ours, SETTINGS, resume=False, overwrite=True)
    assert sorted(path.name for path in ours.iterdir()) == [".lock", "steps.json"]
    for flags in ({"overwrite": True, "resume": False}, {"overwrite": False, "resume": True}):
        with pytest.raises(UserError):
            opened(foreign, SETTINGS, **flags)
    assert (foreign / "thesis.docx").read_text() == "years of work"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["foreign", "ours"]
