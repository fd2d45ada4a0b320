"""Jobs in several local processes at a time."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path

from rich.console import Console

from segmint.evaluation.jobs.executor import Ended, check_outcome
from segmint.evaluation.jobs.job import Job
from segmint.evaluation.jobs.log_tail import LogTail
from segmint.evaluation.jobs.perform import COLUMNS, read_outcome, tell_job

_LOOK_SECONDS = 0.5
_TRIES = 2
# Titles in the status line.
_SHOWN = 4


class Worker:
    """One process, which does one job at a time; what it prints goes to `log`."""

    def __init__(self, number: int, log: Path, environment: Mapping[str, str]) -> None:
        self.number, self.log = number, log
        self.job: Job | None = None
        self.told: Path | None = None
        log.parent.mkdir(parents=True, exist_ok=True)
        self.tail = LogTail(log)
        with log.open("ab") as handle:
            # A session of its own: Ctrl-C reaches this process, which stops the worker in its own time.
            self.process = subprocess.Popen(
                [sys.executable, "-m", "segmint.evaluation.jobs.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=handle,
                env=dict(environment),
                start_new_session=True,
            )

    def begin(self, job: Job) -> None:
        """Give it a job."""
        self.job, self.told = job, tell_job(job)
        assert self.process.stdin is not None
        # One that has died already is seen where its answers are read.
        with suppress(BrokenPipeError):
            self.process.stdin.write(f"{self.told}\n".encode())
            self.process.stdin.flush()

    def answered(self) -> bool:
        """Whether it has ended its job; else its answers have ended, and it with them."""
        assert self.process.stdout is not None
        return bool(self.process.stdout.readline())

    def died_of(self) -> str:
        """How the process ended, in words."""
        code = self.process.wait()
        if code >= 0:
            return f"ended with exit code {code}"
        name = signal.Signals(-code).name
        return f"was killed by {name}{', as when memory runs out' if name == 'SIGKILL' else ''}"

    def stop(self) -> None:
        """End it: its standard input ends, which a running job takes for Ctrl-C."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()


class Processes:
    """An executor of so many local processes, each with its threads and, where there are several GPUs, one of these.

    A job whose process dies is tried once more, with no other beside it.

    Args:
        folder: gets what the workers print.
    """

    concurrent = True

    def __init__(self, count: int, *, folder: Path, threads: int, device: str, console: Console) -> None:
        self.count, self.folder, self.threads, self.device, self.console = count, folder, threads, device, console
        self.queue: list[Job] = []
        self.again: list[Job] = []
        self.workers: list[Worker] = []
        self.tries: dict[Path, int] = {}
        self.selector = selectors.DefaultSelector()
        self.status = console.status("") if console.is_terminal else None

    def submit(self, job: Job) -> None:
        """Take a job."""
        self.queue.append(job)

    def wait(self) -> Ended:
        """Keep all workers busy until a job has ended."""
        with self.status or nullcontext():
            while True:
                self._begin()
                self._show()
                for key, _ in self.selector.select(_LOOK_SECONDS):
                    worker: Worker = key.data
                    ended = self._answered(worker) if worker.answered() else self._died(worker)
                    if ended is not None:
                        return ended

    def close(self) -> None:
        """Stop all workers; a job that runs saves what it has. A second Ctrl-C ends them at once."""
        busy = sum(worker.job is not None for worker in self.workers)
        if busy:
            self.console.print(f"stopping {busy} workers, which save what they have begun ...", highlight=False)
        for worker in self.workers:
            worker.stop()
        try:
            for worker in self.workers:
                worker.process.wait()
        finally:
            for worker in self.workers:
                worker.process.kill()
                worker.process.wait()
                if worker.process.stdout is not None:
                    worker.process.stdout.close()
            self.selector.close()

    def _begin(self) -> None:
        """Give jobs to whoever is idle; what is tried again runs by itself, when nothing else is left."""
        running = sum(worker.job is not None for worker in self.workers)
        if self.again and not self.queue and not running:
            self._give(self.again.pop(0))
        while self.queue and running < self.count and not self._trying_again():
            self._give(self.queue.pop(0))
            running += 1

    def _trying_again(self) -> bool:
        return any(worker.job is not None and self.tries.get(worker.job.folder) for worker in self.workers)

    def _give(self, job: Job) -> None:
        worker = next((one for one in self.workers if one.job is None), None)
        if worker is None:
            number = min(set(range(self.count)) - {one.number for one in self.workers})
            environment = worker_environment(number, os.environ, threads=self.threads, device=self.device)
            worker = Worker(number, self.folder / f"worker-{number + 1}.log", environment)
            self.workers.append(worker)
            assert worker.process.stdout is not None
            self.selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
        job.began()
        worker.begin(job)

    def _answered(self, worker: Worker) -> Ended | None:
        assert worker.told is not None
        outcome = read_outcome(worker.told)
        assert outcome is not None, "a worker answers when it has written one"
        job = self._taken_from(worker)
        if outcome.kind == "memory":
            return self._once_more(job, f"ran out of memory{f' ({outcome.words})' if outcome.words else ''}", worker)
        check_outcome(outcome, job)
        return Ended(job)

    def _died(self, worker: Worker) -> Ended | None:
        assert worker.process.stdout is not None
        self.selector.unregister(worker.process.stdout)
        worker.process.stdout.close()
        self.workers.remove(worker)
        how = worker.died_of()
        worker.stop()
        if worker.job is None:
            return None
        job = self._taken_from(worker)
        return Ended(job) if job.finished else self._once_more(job, how, worker)

    def _taken_from(self, worker: Worker) -> Job:
        self._tell(worker)
        job, worker.job, worker.told = worker.job, None, None
        assert job is not None
        return job

    def _once_more(self, job: Job, how: str, worker: Worker) -> Ended | None:
        """Try again what its worker did not end, or give it up."""
        tries = self.tries[job.folder] = self.tries.get(job.folder, 0) + 1
        if tries >= _TRIES:
            return Ended(job, f"the worker of {job.title} {how}, also when tried again; it printed {worker.log}")
        job.failed()
        self.again.append(job)
        self.console.print(
            f"the worker of {job.title} {how}; it is tried once more after the others, by itself",
            highlight=False,
            markup=False,
        )
        return None

    def _tell(self, worker: Worker) -> None:
        """Print what a worker has printed, behind the name of its job."""
        assert worker.job is not None
        for line in worker.tail.lines():
            self.console.print(f"{worker.job.title} | {line}", highlight=False, markup=False, soft_wrap=True)

    def _show(self) -> None:
        running = [worker for worker in self.workers if worker.job is not None]
        for worker in running:
            self._tell(worker)
        if self.status is not None:
            titles = [worker.job.title for worker in running if worker.job is not None]
            shown = " | ".join([*titles[:_SHOWN], *(["..."] if len(titles) > _SHOWN else [])])
            waiting = len(self.queue) + len(self.again)
            self.status.update(f"{len(running)} running, {waiting} to come: {shown}")


def worker_environment(number: int, environment: Mapping[str, str], *, threads: int, device: str) -> dict[str, str]:
    """Variables of one worker: its threads, and its GPU, round robin over those there are."""
    own = {**environment, "OMP_NUM_THREADS": str(threads), "COLUMNS": COLUMNS}
    if device != "cpu" and (gpus := visible_gpus(environment)):
        own["CUDA_VISIBLE_DEVICES"] = gpus[number % len(gpus)]
    return own


def visible_gpus(environment: Mapping[str, str]) -> Sequence[str]:
    """The GPUs this process may use, as CUDA_VISIBLE_DEVICES names them."""
    named = environment.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [one.strip() for one in named.split(",") if one.strip()]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]
