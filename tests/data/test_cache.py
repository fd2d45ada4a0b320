"""The lock of a cache entry: another process is waited for, and a place that cannot be written is one sentence."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest

from segmint.data.cache import cache_lock
from segmint.errors import UserError


def _hold(target: Path, held: Path) -> None:
    with cache_lock(target, what="test"):
        held.touch()
        time.sleep(0.3)
        (target.parent / "made").touch()


def test_another_process_is_waited_for_and_that_is_said(tmp_path: Path) -> None:
    target, held, said = tmp_path / "entry", tmp_path / "held", list[str]()
    other = multiprocessing.get_context("fork").Process(target=_hold, args=(target, held))
    other.start()
    while not held.exists() and other.is_alive():
        time.sleep(0.01)
    with cache_lock(target, what="test", on_wait=lambda: said.append("waiting")):
        assert (tmp_path / "made").exists()
    other.join()
    assert said == ["waiting"]
    with cache_lock(target, what="test", on_wait=lambda: said.append("waiting")):
        assert said == ["waiting"]


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match=r"The test cache .* cannot be written .* SEGMINT_CACHE"):  # noqa: SIM117
        with cache_lock(tmp_path / "file" / "entry", what="test"):
            pass
