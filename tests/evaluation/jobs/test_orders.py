"""Who does the work, and with how many threads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from segmint.errors import UserError
from segmint.evaluation.jobs.orders import JobOrders
from segmint.evaluation.trial import trial
from segmint.evaluation.trial_folder import opened_trial_folder


@pytest.mark.parametrize(
    ("orders", "word"),
    [
        (JobOrders(processes=0), "--processes 0: at least one"),
        (JobOrders(threads=0), "--threads 0: at least one"),
        (JobOrders(cluster="pbs"), "--cluster pbs is unknown: slurm"),
        (JobOrders(settings={"cpus": "2"}), "--cluster-set cpus: it is for a cluster"),
        (JobOrders(processes=2, cluster="slurm"), "leave one of them out"),
        (JobOrders(cluster="slurm", settings={"colour": "red"}), "--cluster-set colour=red"),
    ],
)
def test_what_cannot_be_done_is_refused(orders: JobOrders, word: str) -> None:
    with pytest.raises(UserError, match=word):
        orders.check()


def test_a_cluster_needs_submitit_and_its_commands(tmp_path: Path, real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UserError, match=r"needs the extra cluster: install it with pip install 'segmint\[cluster\]'"):
        trial(real, out=tmp_path / "trial", size=16, arms=("100R", "50R"), cluster="slurm")
    assert not (tmp_path / "trial").exists()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="there is no sbatch here"):
        JobOrders(cluster="slurm").check()


def test_threads_are_the_share_of_a_process_and_stay_what_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("psutil.cpu_count", lambda **_: 8)

    def threads(out: Path = tmp_path / "new", overwrite: bool = False, **orders: Any) -> int:
        return JobOrders(**orders).with_threads(out, overwrite=overwrite)

    assert [threads(processes=count) for count in (1, 2, 3, 16)] == [8, 4, 2, 1]
    assert threads(processes=2, threads=5) == 5
    assert threads(cluster="slurm") == 4
    assert threads(cluster="slurm", settings={"cpus": "6"}) == 6
    with opened_trial_folder(tmp_path / "begun", {"threads": 4}, overwrite=False):
        pass
    assert threads(tmp_path / "begun", processes=8) == 4, "a trial that goes on keeps them"
    assert threads(tmp_path / "begun", processes=8, overwrite=True) == 1
    with opened_trial_folder(tmp_path / "old", {}, overwrite=False):
        pass
    assert threads(tmp_path / "old", processes=2) == 8, "earlier versions took all cores"
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads(processes=2) == 3, "a setting of every process"
    with (
        pytest.raises(UserError, match=r"holds another trial \(threads: 4 there, 2 now\)"),
        opened_trial_folder(tmp_path / "begun", {"threads": 2}, overwrite=False),
    ):
        pass


def test_the_machine_of_a_cluster_is_not_this_one() -> None:
    assert JobOrders(cluster="slurm").device_here("cuda") == "auto"
    assert JobOrders(processes=2).device_here("cuda") == "cuda"
