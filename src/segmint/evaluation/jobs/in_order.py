"""Jobs one after the other, in this process."""

from __future__ import annotations

from contextlib import nullcontext

from rich.console import Console

from segmint.evaluation.jobs.executor import Ended
from segmint.evaluation.jobs.job import Job, run_alone


class InOrder:
    """An executor that does each job when it is waited for."""

    concurrent = False

    def __init__(self, console: Console) -> None:
        self.console = console
        self.queue: list[Job] = []

    def submit(self, job: Job) -> None:
        """Take a job."""
        self.queue.append(job)

    def wait(self) -> Ended:
        """Do the next job; whatever it raises is raised."""
        job = self.queue.pop(0)
        status = job.began()
        with self.console.status(status) if status else nullcontext():
            run_alone(job)
        return Ended(job)

    def close(self) -> None:
        """Nothing runs between two jobs."""
