"""Real processes that want the same output, and what killed ones left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from segmint.errors import UserError
from segmint.locks import alone, clear_leftovers, is_empty, locked
from segmint.outputs import opened_folder, staged_folder

Holds = Callable[[str, Path], "subprocess.Popen[str]"]


@pytest.fixture
def holds() -> Iterator[Holds]:
    """Start a process that holds an output until it is killed."""
    started = []

    def start(how: str, target: Path) -> subprocess.Popen[str]:
        code = (
            "import sys; from pathlib import Path; from segmint.locks import alone, locked; from segmint.outputs import *\n"
            f"with {how}(Path({str(target)!r})) as one:\n"
            "    if one: (one / 'half').write_text('half')\n"
            "    print('held', flush=True); sys.stdin.read()"
        )
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        process = subprocess.Popen([sys.executable, "-c", code], text=True, env=dict(os.environ), **pipes)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_second_writer_of_an_output_is_refused(holds: Holds, tmp_path: Path) -> None:
    first = holds("staged_folder", tmp_path / "out")
    for overwrite in (False, True):
        with (
            pytest.raises(UserError, match="in use by another segmint process"),
            staged_folder(tmp_path / "out", overwrite=overwrite),
        ):
            pytest.fail("let in")
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert len(list(tmp_path.glob(".out.partial-*"))) == 1
    with staged_folder(tmp_path / "out") as staging:
        (staging / "whole").write_text("whole")
    # Neither the lock nor what the killed one had begun is left.
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["out", "whole"]


def test_whoever_was_first_is_not_overwritten(tmp_path: Path) -> None:
    """A second one that came while the first wrote finds its result."""
    with alone(tmp_path / "out"):
        pass
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "first").touch()
    with pytest.raises(UserError, match="exists already"), staged_folder(tmp_path / "out"):
        pytest.fail("let in")


def test_an_earlier_result_comes_back(tmp_path: Path) -> None:
    """Killed between renaming it away and putting the new one in its place."""
    old = tmp_path / ".out.old-0123abcd"
    old.mkdir()
    (old / "earlier").touch()
    (tmp_path / ".out.partial-0123abcd").mkdir()
    (tmp_path / ".out.partial-notes").touch()
    clear_leftovers(tmp_path / "out")
    assert sorted(path.name for path in tmp_path.rglob("*")) == [".out.partial-notes", "earlier", "out"]


def test_a_folder_is_written_by_one(holds: Holds, tmp_path: Path) -> None:
    first = holds("locked", tmp_path)
    for overwrite in (False, True):
        with pytest.raises(UserError, match="in use by another"), opened_folder(tmp_path, overwrite=overwrite):
            pytest.fail("let in")
    first.kill()
    first.wait()
    inside = tmp_path / "cells"
    inside.mkdir()
    (inside / ".result.partial-0123abcd.json").touch()
    (inside / "result.json").touch()
    with opened_folder(tmp_path, overwrite=False):
        assert [path.name for path in inside.iterdir()] == ["result.json"]


def test_links_that_lead_outside_are_refused(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (folder / "inside").symlink_to(folder)
    with locked(folder):
        pass
    (folder / "cells").symlink_to(outside)
    with pytest.raises(UserError, match="cells is a link to"), locked(folder):
        pytest.fail("let in")


def test_a_lock_is_no_link(tmp_path: Path) -> None:
    (tmp_path / "thesis").write_text("years of work")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / ".lock").symlink_to(tmp_path / "thesis")
    with pytest.raises(UserError, match="cannot be written"), locked(tmp_path / "folder"):
        pytest.fail("let in")
    assert (tmp_path / "thesis").read_text() == "years of work"


def test_what_was_only_begun_counts_as_empty(tmp_path: Path) -> None:
    assert is_empty(tmp_path)
    (tmp_path / ".lock").touch()
    (tmp_path / ".config.partial-0123abcd.json").touch()
    assert is_empty(tmp_path)
    (tmp_path / "mine").touch()
    assert not is_empty(tmp_path)
