"""Cells on a Slurm cluster: what squeue says, and, slow, a real one on this machine."""

from __future__ import annotations

import functools
import json
import os
import pickletools
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from rich.console import Console
from tests.conftest import draw_discs

from segmint.errors import UserError
from segmint.evaluation.generator import GeneratorOrders
from segmint.evaluation.jobs import slurm as on_slurm
from segmint.evaluation.jobs.cluster_settings import ClusterSettings
from segmint.evaluation.jobs.slurm import SUBMITTED, Slurm
from segmint.evaluation.trial import trial
from segmint.workflow.run import run_workflow

ASKED = {"size": 16, "arms": ("100R", "100R+100F"), "seeds": 2, "steps": 40, "batch": 4, "device": "cpu", "threads": 1}
CLUSTER: dict[str, Any] = {"cluster": "slurm", "cluster_settings": {"cpus": "1", "time": "10"}}


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue on this machine is looked at often, and files show at once."""
    monkeypatch.setattr(on_slurm, "Slurm", functools.partial(Slurm, look=0.5, patience=3.0))


def test_states_are_read_from_squeue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = "7_0|RUNNING|None\n7_1|PENDING|Resources\n8|CANCELLED by 0|None\n"
    command = tmp_path / "squeue"
    command.write_text(f"#!/bin/sh\nprintf '{told}'\n")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert on_slurm._states() == {
        "7_0": ("RUNNING", "None"),
        "7_1": ("PENDING", "Resources"),
        "8": ("CANCELLED", "None"),
    }
    command.write_text("#!/bin/sh\nexit 1\n")
    assert on_slurm._states() is None, "a controller that is away for a while ends nothing"


def wait_until(condition: Callable[[], Any], *, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def tasks(folder: Path) -> list[psutil.Process]:
    """Processes of jobs, those of one trial."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if "submitit.core._submit" in words and any(str(folder) in word for word in words) and "srun" not in words[0]:
            found.append(process)
    return found


def told(out: Path) -> Any:
    """trial.json without paths, and without learning curves, to which a stop adds a point."""
    content = json.loads((out / "trial.json").read_text())
    for pairs in content["synthetic"]:
        del pairs["path"], pairs["run"]
    del content["curves"]
    return content


@pytest.mark.slow
@pytest.mark.usefixtures("slurm", "_quick")
def test_a_cluster_finds_the_same_and_gets_paths_alone(
    tmp_path: Path, real: Path, synthetic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trial(real, synthetic, out=tmp_path / "in-order", progress=False, **ASKED)
    out = tmp_path / "slurm"
    trial(real, synthetic, out=out, **ASKED, **CLUSTER)
    assert (out / "trial.json").read_bytes() == (tmp_path / "in-order" / "trial.json").read_bytes()
    said = " ".join(capsys.readouterr().err.split())
    assert "4 jobs submitted to Slurm as " in said
    assert "on the cluster: " in said
    assert [f"cell {number}/4 " in said for number in range(1, 5)] == [True] * 4
    assert "submitit" not in said
    pickles = sorted((out / "slurm" / "1").glob("*_submitted.pkl"))
    assert len(pickles) == 4
    for path, seed in zip(pickles, (0, 0, 1, 1), strict=True):
        words = [word for _, word, _ in pickletools.genops(path.read_bytes()) if isinstance(word, str)]
        modules = {word for word in words if word.startswith(("segmint", "torch", "numpy"))}
        assert modules == {"segmint.evaluation.jobs.slurm"}
        assert [word for word in words if word.endswith(f"-seed{seed}/job.json")]


@pytest.mark.slow
@pytest.mark.usefixtures("slurm", "_quick")
def test_a_job_that_died_is_named_with_its_log_and_alone_is_submitted_again(
    tmp_path: Path, real: Path, synthetic: Path
) -> None:
    out = tmp_path / "trial"
    code = (
        "import functools, sys; from segmint.evaluation.jobs import slurm\n"
        "slurm.Slurm = functools.partial(slurm.Slurm, look=0.5, patience=3.0)\n"
        "from segmint.cli.main import main; sys.exit(main())"
    )
    words = [
        "trial", str(real), str(synthetic), "--out", str(out), "--arms", "100R,100R+100F", "--seeds", "2", "--size", "16",
        "--steps", "40", "--batch", "4", "--device", "cpu", "--cluster", "slurm", "--cluster-set", "cpus=1", "--cluster-set",
        "at_once=1",
    ]  # fmt: skip
    process = subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.PIPE, text=True)
    wait_until(lambda: list((out / "cells").glob("*/log.jsonl")))
    (running,) = tasks(out)
    running.send_signal(signal.SIGKILL)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 2, said
    sentence = " ".join(said.split()).partition("segmint: ")[2]
    assert sentence.startswith("one job did not get done (100R, seed 0, Slurm job ")
    assert "ended as FAILED" in sentence
    assert Path(sentence.partition("its log is ")[2].partition(")")[0]).is_file()
    assert len(list((out / "cells").glob("*/result.json"))) == 3
    trial(real, synthetic, out=out, progress=False, **{**ASKED, "threads": None}, **CLUSTER)
    assert len(list((out / "slurm" / "2").glob("*_submitted.pkl"))) == 1
    trial(real, synthetic, out=tmp_path / "in-order", progress=False, **ASKED)
    assert (out / "trial.json").read_bytes() == (tmp_path / "in-order" / "trial.json").read_bytes()


@pytest.mark.slow
@pytest.mark.usefixtures("slurm", "_quick")
def test_jobs_of_a_call_that_was_killed_are_waited_for_and_those_of_a_stopped_one_cancelled(
    tmp_path: Path, real: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "trial"
    # Whatever started the tests, this command listens to Ctrl-C.
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from segmint.cli.main import main; sys.exit(main())"
    )
    words = [
        "trial", str(real), "--out", str(out), "--arms", "100R,50R", "--seeds", "1", "--size", "16", "--steps", "400",
        "--batch", "4", "--device", "cpu", "--cluster", "slurm", "--cluster-set", "cpus=1", "--cluster-set", "at_once=1",
    ]  # fmt: skip
    asked = {**ASKED, "arms": ("100R", "50R"), "seeds": 1, "steps": 400}

    process = subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.PIPE, text=True)
    wait_until(lambda: list((out / "cells").glob("*/log.jsonl")))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 130, said
    assert "cancelling 2 jobs" in said
    assert "To go on: the same command again" in " ".join(said.split())
    wait_until(lambda: not tasks(out))
    assert list((out / "cells").glob("*/stages/*/checkpoints/last.json")), "what was begun is saved"

    process = subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.DEVNULL)
    wait_until(lambda: tasks(out))
    ids = {path: path.read_text() for path in (out / "cells").glob(f"*/{SUBMITTED}")}
    process.kill()
    process.wait()
    trial(real, out=out, **asked, **CLUSTER)
    assert "2 jobs of an earlier call are still on the cluster and waited for" in " ".join(
        capsys.readouterr().err.split()
    )
    assert {path: path.read_text() for path in ids} == ids
    trial(real, out=tmp_path / "in-order", progress=False, **asked)
    assert told(out) == told(tmp_path / "in-order")


@pytest.mark.slow
@pytest.mark.usefixtures("slurm", "_quick")
def test_a_job_that_slurm_preempts_is_queued_again_and_goes_on(tmp_path: Path, real: Path) -> None:
    out, asked = tmp_path / "trial", {**ASKED, "arms": ("100R",), "seeds": 1, "steps": 400}

    def preempt() -> None:
        wait_until(lambda: list((out / "cells").glob("*/log.jsonl")))
        (record,) = (out / "cells").glob(f"*/{SUBMITTED}")
        subprocess.run(["scancel", "--signal=USR2", json.loads(record.read_text())["id"]], check=True)

    preempting = threading.Thread(target=preempt, daemon=True)
    preempting.start()
    trial(real, out=out, progress=False, **asked, **CLUSTER)
    preempting.join()
    (log,) = (out / "slurm" / "1").glob("*_log.out")
    assert log.read_text().count("Starting with JobEnvironment") == 2, "submitted once, begun twice"
    assert "Requeued job" in log.read_text()
    trial(real, out=tmp_path / "in-order", progress=False, **asked)
    assert (out / "trial.json").read_bytes() == (tmp_path / "in-order" / "trial.json").read_bytes()


@pytest.mark.slow
@pytest.mark.usefixtures("slurm", "_quick")
def test_generators_are_jobs_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = draw_discs(tmp_path / "discs")
    generator = GeneratorOrders(
        "joint-stylegan2", kimg=0.016, batch=4, settings={"latent_size": "8", "width_base": "128", "width_maximum": "8"}
    )
    asked = {**ASKED, "size": 32, "seeds": 1, "steps": 6, "folds": 2, "generator": generator}
    trial(real, out=tmp_path / "in-order", progress=False, **asked)
    trial(real, out=tmp_path / "slurm", **asked, **CLUSTER)
    assert told(tmp_path / "slurm") == told(tmp_path / "in-order")
    said = capsys.readouterr().err
    assert "fold 1, generator 1 | " in said
    assert "fold 2, generator 1 | " in said


@pytest.mark.slow
@pytest.mark.usefixtures("slurm", "_quick")
def test_of_a_whole_run_the_trial_alone_is_on_the_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real, out = draw_discs(tmp_path / "discs"), tmp_path / "out"
    asked: dict[str, Any] = {
        "recipe": "joint-stylegan2", "size": 32, "kimg": 0.016, "batch": 4, "arms": ("100R", "100F"), "seeds": 1, "steps": 6,
        "trial_batch": 4, "fidelity": False, "privacy": False, "alignment": False, "device": "cpu", "threads": 1,
        "settings": {"latent_size": "8", "width_base": "128", "width_maximum": "8"},
    }  # fmt: skip
    run_workflow(real, out=out, **asked, **CLUSTER)
    assert "2 jobs submitted to Slurm as " in " ".join(capsys.readouterr().err.split())
    assert [path.relative_to(out).parts[0] for path in out.rglob("job.json")] == ["trial", "trial"]
    assert [path.parent.name for path in out.rglob("slurm")] == ["trial"]
    commands = {step["folder"]: step["command"] for step in json.loads((out / "steps.json").read_text())["steps"]}
    assert "--cluster slurm --cluster-set cpus=1 --cluster-set time=10" in commands.pop("trial")
    assert [line for line in commands.values() if "--cluster" in line] == []
    # How the trial is carried out is no part of what a run was begun with.
    on_cluster = (out / "trial" / "trial.json").read_bytes()
    shutil.rmtree(out / "trial")
    run_workflow(real, out=out, **asked, resume=True)
    assert (out / "trial" / "trial.json").read_bytes() == on_cluster


@pytest.mark.slow
@pytest.mark.usefixtures("slurm")
def test_what_slurm_refuses_is_told(tmp_path: Path, real: Path) -> None:
    asked = {**ASKED, "arms": ("100R", "50R")}
    with pytest.raises(UserError, match=r"^Slurm refused the jobs \(.*partition.*\): change what is asked for"):
        trial(real, out=tmp_path / "trial", progress=False, **asked, cluster="slurm",
              cluster_settings={"partition": "nowhere"})  # fmt: skip


def test_each_call_writes_to_a_folder_of_its_own(tmp_path: Path) -> None:
    executor = Slurm(ClusterSettings(), folder=tmp_path / "slurm", console=Console(quiet=True))
    executor.close()
    names = [on_slurm._new_folder(tmp_path / "slurm").name for _ in range(2)]
    (tmp_path / "slurm" / "10").mkdir()
    assert [*names, on_slurm._new_folder(tmp_path / "slurm").name] == ["1", "2", "11"]
