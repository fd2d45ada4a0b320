"""Cells in real local processes, some of them killed for real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.conftest import draw_discs

from segmint.errors import UserError
from segmint.evaluation.gate import GateOrders
from segmint.evaluation.generator import GeneratorOrders
from segmint.evaluation.jobs.processes import visible_gpus, worker_environment
from segmint.evaluation.trial import trial

ARMS = ("100R", "100R+100F")


def options(**changed: Any) -> dict[str, Any]:
    chosen = {"size": 16, "arms": ARMS, "seeds": 2, "steps": 100, "batch": 4, "device": "cpu", "threads": 1}
    return {**chosen, **changed}


def workers(of: int | None = None) -> list[psutil.Process]:
    """Worker processes that this process, or another, has started."""
    found = []
    for process in psutil.Process(of).children(recursive=True):
        try:
            if "segmint.evaluation.jobs.worker" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def works_on(process: psutil.Process, folder: Path) -> bool:
    """Whether a worker holds the lock of a job."""
    try:
        return any(Path(one.path) == folder / ".lock" for one in process.open_files())
    except psutil.Error:
        return False


def wait_until(condition: Callable[[], Any], *, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def told(out: Path) -> Any:
    """trial.json without paths, and without learning curves, to which a stop by Ctrl-C adds a point."""
    content = json.loads((out / "trial.json").read_text())
    for pairs in content["synthetic"]:
        del pairs["path"], pairs["run"]
    del content["curves"]
    return content


def in_background(action: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    return thread


def test_two_processes_find_the_same_though_one_is_killed(
    tmp_path: Path, real: Path, synthetic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = options(seeds=1, steps=40)
    trial(real, synthetic, out=tmp_path / "in-order", progress=False, **asked)

    def kill() -> None:
        wait_until(lambda: any((tmp_path / "two" / "cells").glob("*/log.jsonl")))
        workers()[0].kill()

    killer = in_background(kill)
    trial(real, synthetic, out=tmp_path / "two", processes=2, **asked)
    killer.join()
    said = " ".join(capsys.readouterr().err.split())
    assert "was killed by SIGKILL, as when memory runs out; it is tried once more after the others, by itself" in said
    assert "cell 1/2 100R" in said
    assert "cell 2/2 100R" in said
    assert (tmp_path / "two" / "trial.json").read_bytes() == (tmp_path / "in-order" / "trial.json").read_bytes()
    assert not workers()


def test_each_worker_has_its_threads_and_its_gpu() -> None:
    def own(number: int, device: str = "auto") -> dict[str, str]:
        given = {"PATH": "/bin", "OMP_NUM_THREADS": "8", "CUDA_VISIBLE_DEVICES": "2, GPU-5"}
        return worker_environment(number, given, threads=3, device=device)

    assert [own(number)["CUDA_VISIBLE_DEVICES"] for number in range(3)] == ["2", "GPU-5", "2"]
    assert own(0)["OMP_NUM_THREADS"] == "3"
    assert own(1)["PATH"] == "/bin"
    assert own(1, "cpu")["CUDA_VISIBLE_DEVICES"] == "2, GPU-5"
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": ""}) == []


def test_gpus_are_counted_where_no_variable_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert visible_gpus({}) == ["0", "1"]
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert "CUDA_VISIBLE_DEVICES" not in worker_environment(0, {}, threads=1, device="auto")


@pytest.mark.slow
def test_a_cell_that_dies_twice_is_named_and_alone_is_missing(tmp_path: Path, real: Path, synthetic: Path) -> None:
    out, over = tmp_path / "trial", threading.Event()
    doomed = out / "cells" / "100R-seed1"

    def kill() -> None:
        while not over.wait(0.02):
            for worker in workers():
                if works_on(worker, doomed):
                    worker.kill()

    killer = in_background(kill)
    with pytest.raises(UserError) as failure:
        trial(real, synthetic, out=out, processes=2, progress=False, **options())
    over.set()
    killer.join()
    said = str(failure.value)
    assert said.startswith("one job did not get done (the worker of 100R, seed 1 was killed by SIGKILL")
    assert Path(said.partition("it printed ")[2].partition(")")[0]).is_file()
    assert not (out / "trial.json").exists()
    before = {path: path.stat().st_mtime_ns for path in (out / "cells").glob("*/result.json")}
    assert len(before) == 3
    trial(real, synthetic, out=out, processes=2, progress=False, **options())
    assert {path: path.stat().st_mtime_ns for path in before} == before, "what was kept is not trained again"
    trial(real, synthetic, out=tmp_path / "in-order", progress=False, **options())
    assert (out / "trial.json").read_bytes() == (tmp_path / "in-order" / "trial.json").read_bytes()


def started(real: Path, out: Path, *more: str, steps: int = 600) -> subprocess.Popen[str]:
    words = [
        "trial", str(real), "--out", str(out), "--arms", "100R,50R,100R+100A", "--seeds", "1", "--size", "16", "--steps",
        str(steps), "--batch", "4", "--device", "cpu", *more,
    ]  # fmt: skip
    # Whatever started the tests, this command listens to Ctrl-C.
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from segmint.cli.main import main; sys.exit(main())"
    )
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    return subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.PIPE, text=True, env=environment)


@pytest.mark.slow
def test_stopped_or_killed_it_leaves_no_worker_and_goes_on(tmp_path: Path, real: Path) -> None:
    whole = started(real, tmp_path / "whole", "--threads", "1")
    assert whole.wait() == 0
    out = tmp_path / "stopped"
    process = started(real, out, "--threads", "1", "--processes", "2")
    wait_until(lambda: any((out / "cells").glob("*/log.jsonl")))
    left = workers(process.pid)
    assert len(left) == 2
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert f"stopped; finished cells are kept in {out}. To go on: the same command again" in " ".join(said.split())
    assert "Traceback" not in said
    assert not any(one.is_running() for one in left)
    assert any((out / "cells").glob("*/stages/*/checkpoints/last.json")), "what was begun is saved"

    process = started(real, out, "--processes", "3")
    wait_until(lambda: len(workers(process.pid)) >= 2 and any(one.open_files() for one in workers(process.pid)))
    left = workers(process.pid)
    process.kill()
    process.wait()
    wait_until(lambda: not any(one.is_running() for one in left))

    # The number of threads is what it was begun with, so that the rest is the same too.
    again = started(real, out)
    _, said = again.communicate()
    assert again.returncode == 0, said
    assert told(out) == told(tmp_path / "whole")


@pytest.mark.slow
def test_generators_folds_and_gates_in_processes_find_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = draw_discs(tmp_path / "discs", subjects=14)
    generator = GeneratorOrders(
        "joint-stylegan2", kimg=0.016, batch=4, settings={"latent_size": "8", "width_base": "128", "width_maximum": "8"}
    )
    asked = options(
        size=32, arms=("100R", "100R+100F", "gate"), seeds=1, steps=6, generator=generator, folds=2,
        gate=GateOrders(shares=(100,), seeds=1),
    )  # fmt: skip

    trial(real, out=tmp_path / "in-order", progress=False, **asked)
    trial(real, out=tmp_path / "three", processes=3, **asked)
    assert told(tmp_path / "three") == told(tmp_path / "in-order")
    said = capsys.readouterr().err
    for line in ("fold 2, gate, fold 1, generator | ", "fold 1, generator 1 | ", "fold 2, gate, fold 2, cell 2/2  "):
        assert line in said, line
