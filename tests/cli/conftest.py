"""A watch over commands that are given folders from strangers: what they run and write is noted."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from segmint.cli.main import main

_RUNS_CODE = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "subprocess.Popen",
    "pickle.find_class",
    "ctypes.dlopen",
)
_WRITES = (
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.truncate",
    "os.symlink",
    "os.link",
    "os.chmod",
    "shutil.rmtree",
)


class Watch:
    """Notes, by an audit hook of the interpreter (PEP 578), code that is started and files that are written."""

    def __init__(self) -> None:
        self.noting = False
        self.ran: list[str] = []
        self.written: list[Path] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.noting:
            return
        if event in _RUNS_CODE or (event == "import" and str(arguments[0]).startswith("stranger")):
            self.ran.append(f"{event} {arguments}")
        writes = (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        )
        if (event in _WRITES or writes) and isinstance(arguments[0], str | bytes | os.PathLike):
            path, of_folder = Path(os.fsdecode(arguments[0])), arguments[-1]
            if event in ("os.remove", "os.rmdir", "os.mkdir") and of_folder != -1:
                path = Path(os.readlink(f"/proc/self/fd/{of_folder}")) / path  # noqa: PTH115
            self.written.append(path.absolute())


@pytest.fixture(scope="session")
def _hook() -> Watch:
    watch = Watch()
    sys.addaudithook(watch)
    return watch


@pytest.fixture
def watch(_hook: Watch) -> Iterator[Watch]:
    _hook.ran, _hook.written, _hook.noting = [], [], False
    yield _hook
    _hook.noting = False


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder of the user's that nobody named."""
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    return folder


@pytest.fixture
def stranger(tmp_path: Path, discs_run: Path) -> Path:
    """A run that can be changed. Its dataset lies where it lay."""
    return Path(shutil.copytree(discs_run, tmp_path / "stranger"))


Refused = Callable[..., str]


@pytest.fixture
def harmless(watch: Watch, victim: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a command: it ends with code 0, or with 2 and one sentence; nothing is run, nothing else is written."""

    def check(*words: object, writes: Path | None = None, codes: tuple[int, ...] = (0, 2)) -> str:
        capsys.readouterr()
        out = tmp_path / "out"
        watch.ran, watch.written, watch.noting = [], [], True
        code = main([str(word) for word in words])
        watch.noting = False
        said = capsys.readouterr().err
        assert "Traceback" not in said, said
        assert code in codes, said
        sentences = [line for line in said.splitlines() if line.startswith("segmint: ")]
        assert len(sentences) == (code == 2), said
        assert watch.ran == []
        places = [out, tmp_path / ".out", Path(os.environ["SEGMINT_CACHE"]), *([writes] if writes is not None else [])]
        assert [path for path in watch.written if not _within(path, places)] == []
        assert (victim / "thesis.txt").read_text() == "years of work"
        assert [path.name for path in victim.iterdir()] == ["thesis.txt"]
        shutil.rmtree(out, ignore_errors=True)
        return sentences[0] if sentences else ""

    return check


def _within(path: Path, places: list[Path]) -> bool:
    """Whether the file lies in one of the places, links followed, or beside one under a name made of its own."""
    real = path.parent.resolve() / path.name
    # What Python and its libraries write for themselves.
    if "__pycache__" in real.parts or real == Path("/dev/null"):
        return True
    # Folders that are there are "made" again, with leave to exist.
    if any(place.resolve().is_relative_to(real) for place in places) and real.is_dir():
        return True
    return any(str(real).startswith(str(place.resolve())) for place in places)
