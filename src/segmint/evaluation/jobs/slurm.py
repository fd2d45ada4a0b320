"""Jobs on a Slurm cluster, through submitit.

submitit pickles what it is given into a folder of its own; it is given the path of a job's file and nothing else. How jobs
ended is read from the files they write, their states from squeue; no pickle is read back here.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from segmint.errors import UserError
from segmint.evaluation.jobs.cluster_settings import ClusterSettings
from segmint.evaluation.jobs.executor import Ended, check_outcome
from segmint.evaluation.jobs.job import Job
from segmint.evaluation.jobs.log_tail import LogTail
from segmint.evaluation.jobs.perform import COLUMNS, TOLD, outcome_file, perform, read_outcome, tell_job
from segmint.outputs import read_json, write_json

if TYPE_CHECKING:
    from submitit.core.utils import DelayedSubmission

SUBMITTED = "submitted.json"
# What squeue calls jobs that will not go on by themselves.
_OVER = frozenset(
    [
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "REVOKED",
        "TIMEOUT",
    ]
)
_GONE = "GONE"
# Slurm takes 1001 jobs in an array unless told otherwise.
_ARRAY = 1000
_OWN_WORDS = "submitit "


class Task:
    """What submitit calls on a node; a job that runs out of time, or is preempted, is queued again and goes on."""

    def __call__(self, told: str) -> None:
        """Do the job that a file tells of."""
        os.environ.setdefault("COLUMNS", COLUMNS)
        perform(Path(told))

    def checkpoint(self, told: str) -> DelayedSubmission:
        """The same again: what is in the job's folder is gone on with."""
        from submitit.core.utils import DelayedSubmission

        return DelayedSubmission(self, told)


def check_slurm() -> None:
    """Whether jobs can be submitted from here.

    Raises:
        UserError: they cannot.
    """
    if importlib.util.find_spec("submitit") is None:
        raise UserError("--cluster slurm needs the extra cluster: install it with pip install 'segmint[cluster]'.")
    for command in ("sbatch", "srun", "squeue"):
        if shutil.which(command) is None:
            raise UserError(
                f"--cluster slurm: there is no {command} here; call it where jobs can be submitted, or use --processes."
            )


@dataclass
class Submitted:
    """A job on the cluster: `id` is Slurm's, `log` what its process prints."""

    job: Job
    told: Path
    id: str
    log: Path
    tail: LogTail
    state: str = "PENDING"
    reason: str = ""
    over_since: float | None = None


class Slurm:
    """An executor that submits every batch of jobs as one array, and waits for them.

    Jobs that an earlier call has submitted, and that still wait or run, are waited for and not submitted again.

    Args:
        folder: gets submitit's files and the logs, and must be seen from the nodes; so must every dataset.
        look: seconds between two looks at the queue.
        patience: seconds until a job that is over, and has not written how it ended, is taken for one that died: files of
            another machine may take a while to show.
    """

    concurrent = True

    def __init__(
        self, settings: ClusterSettings, *, folder: Path, console: Console, look: float = 10.0, patience: float = 60.0
    ) -> None:
        self.settings, self.folder, self.console = settings, folder, console
        self.look, self.patience = look, patience
        self.queue: list[Job] = []
        self.running: list[Submitted] = []
        self.said = ""
        self.status = console.status("") if console.is_terminal else None

    def submit(self, job: Job) -> None:
        """Take a job; it is submitted together with all others when one of them is waited for."""
        self.queue.append(job)

    def wait(self) -> Ended:
        """Submit what was taken, and wait until a job has ended."""
        self._submit_all()
        with self.status or nullcontext():
            while True:
                for one in self.running:
                    ended = self._ended(one)
                    if ended is not None:
                        self.running.remove(one)
                        return ended
                # Slurm is asked when no file tells of a job that has ended.
                self._look()
                time.sleep(self.look)

    def close(self) -> None:
        """Cancel what has not ended; what runs is given the time to save that the cluster allows."""
        if self.running:
            self.console.print(f"cancelling {len(self.running)} jobs ...", highlight=False)
            subprocess.run(["scancel", *(one.id for one in self.running)], check=False)

    def _submit_all(self) -> None:
        if not self.queue:
            return
        states = _states() or {}
        missing = []
        for job in self.queue:
            before = _submitted_before(job, states)
            if before is None:
                missing.append(job)
            else:
                self.running.append(before)
        if len(missing) < len(self.queue):
            self.console.print(
                f"{len(self.queue) - len(missing)} jobs of an earlier call are still on the cluster and waited for",
                highlight=False,
            )
        self.queue = []
        for first in range(0, len(missing), _ARRAY):
            self._submit_array(missing[first : first + _ARRAY])

    def _submit_array(self, jobs: list[Job]) -> None:
        import submitit
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        told = [tell_job(job) for job in jobs]
        executor = submitit.SlurmExecutor(_new_folder(self.folder), max_num_timeout=3)
        try:
            executor.update_parameters(**self.settings.parameters())
            sent: list[Any] = executor.map_array(Task(), [str(path.resolve()) for path in told])
        except (FailedJobError, FailedSubmissionError, subprocess.CalledProcessError) as error:
            raise UserError(
                f"Slurm refused the jobs ({_last_line(error)}): change what is asked for with --cluster-set."
            ) from error
        for job, path, one in zip(jobs, told, sent, strict=True):
            log = Path(one.paths.stderr)
            write_json(job.folder / SUBMITTED, {"id": one.job_id, "log": str(log)})
            job.began()
            self.running.append(Submitted(job, path, one.job_id, log, LogTail(log)))
        self.console.print(
            f"{len(jobs)} jobs submitted to Slurm as {sent[0].job_id.partition('_')[0]}; what they print is in"
            f" {executor.folder}",
            highlight=False,
            markup=False,
        )

    def _look(self) -> None:
        """Ask for states, and show them where they have changed; while Slurm does not answer, the old ones stand."""
        states = _states()
        for one in self.running:
            if states is not None:
                one.state, one.reason = states.get(one.id, (_GONE, ""))
            for line in one.tail.lines():
                if not line.startswith(_OWN_WORDS):
                    self.console.print(f"{one.job.title} | {line}", highlight=False, markup=False, soft_wrap=True)
        said = "Slurm does not answer" if states is None else f"on the cluster: {_counted(self.running)}"
        if self.status is not None:
            self.status.update(said)
        elif said != self.said:
            self.console.print(said, highlight=False)
        self.said = said

    def _ended(self, one: Submitted) -> Ended | None:
        # A listing makes a network file system look again.
        list(one.told.parent.iterdir())
        outcome = read_outcome(one.told) if outcome_file(one.told).is_file() else None
        if outcome is not None and outcome.kind == "memory":
            return Ended(one.job, self._problem(one, "ran out of memory"))
        if outcome is not None and outcome.kind != "stopped":
            check_outcome(outcome, one.job)
            return Ended(one.job)
        if one.state not in _OVER and one.state != _GONE:
            one.over_since = None
            return None
        one.over_since = one.over_since or time.monotonic()
        if time.monotonic() - one.over_since < self.patience:
            return None
        ended = "is gone from the queue" if one.state == _GONE else f"ended as {one.state}"
        return Ended(one.job, self._problem(one, ended))

    def _problem(self, one: Submitted, how: str) -> str:
        return f"{one.job.title}, Slurm job {one.id}, {how}; its log is {one.log}"


def _states() -> dict[str, tuple[str, str]] | None:
    """State and reason of all jobs of this user, by id, as far as Slurm still knows them; None where it does not answer."""
    command = ["squeue", f"--user={os.getuid()}", "--array", "--states=all", "--noheader", "--format=%i|%T|%r"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    except (subprocess.SubprocessError, OSError):
        return None
    lines = (line.strip().split("|") for line in told.splitlines())
    return {words[0]: (words[1].split(" ")[0], words[2]) for words in lines if len(words) == 3}


def _submitted_before(job: Job, states: dict[str, tuple[str, str]]) -> Submitted | None:
    """The same job, if an earlier call has submitted it and it has not ended."""
    record = job.folder / SUBMITTED
    if not record.is_file():
        return None
    content = read_json(record)
    state, reason = states.get(content["id"], (_GONE, ""))
    if state in _OVER or state == _GONE:
        return None
    job.began()
    log = Path(content["log"])
    return Submitted(job, job.folder / TOLD, content["id"], log, LogTail(log), state, reason)


def _new_folder(folder: Path) -> Path:
    """A folder that no earlier call has written to."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 1 + max((int(one.name) for one in folder.iterdir() if one.name.isdecimal()), default=0)
    new = folder / str(number)
    new.mkdir()
    return new.resolve()


def _counted(jobs: list[Submitted]) -> str:
    """As in "2 running, 5 pending (Resources)"."""
    counts = Counter(one.state.lower().replace("_", " ") for one in jobs)
    why = {one.reason for one in jobs if one.state == "PENDING"} - {"", "None"}
    told = f" ({', '.join(sorted(why))})" if why else ""
    return ", ".join(f"{count} {state}{told if state == 'pending' else ''}" for state, count in sorted(counts.items()))


def _last_line(error: Exception) -> str:
    said = error.stderr if isinstance(error, subprocess.CalledProcessError) and error.stderr else str(error)
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
