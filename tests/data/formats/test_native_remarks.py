"""What C libraries write to stderr while a damaged file is read."""

from __future__ import annotations

import os

import pytest

from segmint.data.formats.native_remarks import without_native_remarks


def test_file_descriptor_2_leads_nowhere_meanwhile(capfd: pytest.CaptureFixture[str]) -> None:
    with without_native_remarks():
        os.write(2, b"remark of a library")
    with pytest.raises(ValueError, match="told"), without_native_remarks():
        raise ValueError("told")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


def test_without_any_stderr_nothing_is_done() -> None:
    kept = os.dup(2)
    os.close(2)
    try:
        with without_native_remarks():
            done = True
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    assert done
