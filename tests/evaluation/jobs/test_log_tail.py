from __future__ import annotations

from pathlib import Path

from segmint.evaluation.jobs.log_tail import LogTail


def test_whole_new_lines_alone(tmp_path: Path) -> None:
    path = tmp_path / "log"
    tail = LogTail(path)
    assert list(tail.lines()) == []
    with path.open("ab", buffering=0) as log:
        log.write(b"one\n\ntw")
        assert list(tail.lines()) == ["one"]
        log.write(b"o\xff\n")
        assert list(tail.lines()) == ["two\N{REPLACEMENT CHARACTER}"]
        assert list(tail.lines()) == []
        later = LogTail(path)
        log.write(b"three\n")
        assert list(later.lines()) == ["three"] == list(tail.lines())
