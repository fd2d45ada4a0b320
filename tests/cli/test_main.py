"""The command line as a user meets it: exit codes, one sentence, nothing heavy loaded for help."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from segmint.cli import report
from segmint.cli.main import main
from segmint.errors import UserError, WaitingForPerson


def run_process(*words: str, code: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "segmint.cli.main"]
    return subprocess.run([*command, *words], capture_output=True, text=True, timeout=60, check=False)


def sentence_of(capsys: pytest.CaptureFixture[str]) -> str:
    """What was written to stderr, which must be one line and no traceback."""
    written = capsys.readouterr().err
    assert written.count("\n") == 1, written
    assert "Traceback" not in written
    assert written.startswith("segmint: ")
    return written


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    heavy = "torch monai matplotlib scipy nibabel skimage numpy PIL rich jinja2 pydantic"
    done = run_process(code=f"import sys, segmint.cli.main; print([m for m in '{heavy}'.split() if m in sys.modules])")
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_installed_command_prints_one_sentence_and_exits_with_2(tmp_path: Path) -> None:
    code = "from segmint.cli.main import main; import sys; sys.exit(main())"
    done = run_process("report", str(tmp_path / "absent"), code=code)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "absent" in done.stderr


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "segmint", "mint"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("segmint: No such command 'mint'")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["mint"], "No such command"),
        (["train"], "RECIPE"),
        (["report"], "DIR"),
        (["sample", "run", "--out", "x"], "--n"),
        (["sample", "run", "--n", "many", "--out", "x"], "--n"),
        (["trial", "real", "--out", "x", "--folds", "3"], "--folds"),
        (["trial", "real", "--arms", "100R,100R+25F", "100R,100R+50F", "--out", "x"], "quote arms with braces"),
        (["trial", "real", "--out", "x", "--kimg", "3"], "--kimg is for generators that the trial trains"),
        (["trial", "real", "--out", "x", "--generator-set", "a=1"], "--generator-set is for generators"),
        (["trial", "real", "--out", "x", "--gate-folds", "3"], "--gate-folds is for the gate"),
        (["trial", "real", "--out", "x", "--gate", "--gate-shares", "a"], "'a' is not a whole number"),
        (["trial", "real", "--out", "x", "--gate"], "name their recipe with --recipe"),
        (["data", "split", "x", "--fractions", "1,2"], "--fractions"),
    ],
)
def test_wrong_usage_is_one_sentence(words: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert expected in sentence_of(capsys)


@pytest.mark.parametrize("words", [["--help"], ["-h"], [], ["data"], ["data", "convert"], ["train", "--help"]])
def test_help_is_no_error(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    assert "Usage: segmint" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    import segmint

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"segmint {segmint.__version__}\n"


def test_recipes_are_listed_with_their_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0
    written = capsys.readouterr().out
    assert "joint-stylegan2" in written
    assert "ISMRM" in written


def test_absent_dataset_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "inspect", str(tmp_path / "absent")]) == 2
    assert "absent" in sentence_of(capsys)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], int]:
    """Run `segmint report x` with a verb that fails in a given way."""

    def run(error: BaseException) -> int:
        def build_report(_folder: Path) -> Path:
            raise error

        monkeypatch.setattr("segmint.report.build.build_report", build_report)
        return main(["report", "x"])

    assert report.report_verb is not None
    return run


def test_user_error_of_several_lines_becomes_one(
    failing: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert failing(UserError("this is\nwrong: mend it.")) == 2
    assert sentence_of(capsys) == "segmint: this is wrong: mend it.\n"


@pytest.mark.parametrize(
    ("code", "said"), [(errno.ENOSPC, "full"), (errno.EROFS, "read-only"), (errno.EACCES, "permission")]
)
def test_disk_failures_are_the_users_to_mend(
    code: int, said: str, failing: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert failing(OSError(code, os.strerror(code), "/data/x.nii.gz")) == 2
    sentence = sentence_of(capsys)
    assert said in sentence
    assert "/data/x.nii.gz" in sentence


def test_full_disk_behind_another_exception_is_found(
    failing: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    wrapped = RuntimeError("could not save")
    wrapped.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert failing(wrapped) == 2
    assert "full" in sentence_of(capsys)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 TB"),
    ],
)
def test_out_of_memory_says_what_to_do(
    error: Exception, failing: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert failing(error) == 2
    assert "Out of memory" in sentence_of(capsys)


def test_waiting_for_a_person_is_no_error(
    failing: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert failing(WaitingForPerson("waiting for labels")) == 0
    captured = capsys.readouterr()
    assert "waiting for labels" in captured.out
    assert captured.err == ""


def test_interrupt_is_130(failing: Callable[[BaseException], int]) -> None:
    assert failing(KeyboardInterrupt()) == 128 + signal.SIGINT


def test_a_defect_shows_its_traceback(
    failing: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert failing(ZeroDivisionError("a defect")) == 1
    assert "Traceback" in capsys.readouterr().err


def test_os_errors_that_are_not_about_writing_are_defects(failing: Callable[[BaseException], int]) -> None:
    assert failing(FileNotFoundError(errno.ENOENT, "No such file", "x")) == 1


def test_reader_of_a_pipe_that_goes_away_is_no_error() -> None:
    code = (
        "import sys, subprocess; "
        "p = subprocess.Popen([sys.executable, '-c', 'from segmint.cli.main import main; import sys; sys.exit(main())', '--help'],"
        " stdout=subprocess.PIPE, stderr=subprocess.PIPE); "
        "p.stdout.close(); err = p.stderr.read().decode(); print(p.wait(), err)"
    )
    done = run_process(code=code)
    assert "Traceback" not in done.stdout
