"""A Slurm cluster of one node, this machine, with files and ports of its own, for tests that submit for real."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

_COMMANDS = ("slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "sinfo")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _configuration(folder: Path, host: str) -> str:
    """No munge, no accounting, no cgroups: what a single user's single node can do without."""
    return f"""
ClusterName=segmint
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={_free_port()}
SlurmdPort={_free_port()}
AuthType=auth/none
CredType=cred/none
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=1
KillWait=30
MpiDefault=none
AccountingStorageType=accounting_storage/none
NodeName={host} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folder of a running cluster, or skip; SLURM_CONF leads all commands there."""
    pytest.importorskip("submitit")
    missing = [name for name in _COMMANDS if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None]
    if missing:
        pytest.skip(f"no Slurm here ({', '.join(missing)}): Debian has it as slurmctld, slurmd and slurm-client")
    if os.geteuid() != 0:
        pytest.skip("slurmd must be started by root")
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    host = socket.gethostname().partition(".")[0]
    (folder / "slurm.conf").write_text(_configuration(folder, host))
    daemons = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        patch.setenv("PATH", f"{os.environ['PATH']}:/usr/sbin:/sbin")
        try:
            for command in (["slurmctld", "-D"], ["slurmd", "-D", "-N", host]):
                with (folder / f"{command[0]}.out").open("wb") as out:
                    daemons.append(subprocess.Popen(command, stdout=out, stderr=out))
                time.sleep(1)
            _wait_for_node(folder, daemons)
            yield folder
        finally:
            _empty_queue()
            for daemon in reversed(daemons):
                daemon.terminate()
            for daemon in daemons:
                try:
                    daemon.wait(timeout=60)
                except subprocess.TimeoutExpired:
                    daemon.kill()
                    daemon.wait()
            _end_steps(folder)


def _empty_queue() -> None:
    """Cancel all jobs, and give those that are just ending time for it."""
    subprocess.run(["scancel", f"--user={os.getuid()}"], check=False, capture_output=True, timeout=60)
    for _ in range(60):
        told = subprocess.run(["squeue", "--noheader"], capture_output=True, text=True, check=False)
        if not told.stdout.strip():
            return
        time.sleep(1)


def _end_steps(folder: Path) -> None:
    """Kill what this cluster's slurmd has left behind, known by its configuration."""
    for process in psutil.process_iter():
        try:
            if (
                process.name().startswith("slurmstepd")
                and process.environ().get("SLURM_CONF") == f"{folder}/slurm.conf"
            ):
                process.kill()
        except psutil.Error:
            continue


def _wait_for_node(folder: Path, daemons: list[subprocess.Popen[bytes]]) -> None:
    for _ in range(120):
        told = subprocess.run(["sinfo", "--noheader", "--format=%T"], capture_output=True, text=True, check=False)
        if told.stdout.strip() == "idle":
            return
        if any(daemon.poll() is not None for daemon in daemons):
            break
        time.sleep(0.5)
    said = "".join(path.read_text(errors="replace")[-300:] for path in sorted(folder.glob("*.out")))
    pytest.skip(f"Slurm does not start here: {said}")
