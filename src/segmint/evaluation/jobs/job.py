"""What a job is, and how it is carried from one process to another."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from segmint.locks import locked

T = TypeVar("T")


class Job(Protocol):
    """Something to be done once, in a folder of its own that tells whether it is done and holds what came of it.

    All that another process needs to do it is in `as_json`: paths, names and numbers.
    """

    @property
    def folder(self) -> Path:
        """Where it works; no two jobs share one."""

    @property
    def title(self) -> str:
        """The job in words."""

    @property
    def finished(self) -> bool:
        """Whether it was done before."""

    def run(self) -> None:
        """Do it, going on from what is there."""

    def as_json(self) -> dict[str, Any]:
        """What `segmint.evaluation.jobs.perform.read_job` makes the same job of, in another process."""

    def began(self) -> str:
        """It is about to run; what a status line says meanwhile, if anything."""

    def failed(self) -> None:
        """It has ended without being done."""

    def ended(self, *, trained: bool) -> None:
        """It is done, just now or (`trained` false) before."""


Plan = Generator[Sequence[Job], None, T]
"""Work in the order its parts need: yields jobs that do not need one another, and is gone on with once they are done."""


def run_alone(job: Job) -> None:
    """Do a job while no other process does: one that was left behind by a killed call is waited for."""
    job.folder.mkdir(parents=True, exist_ok=True)
    with locked(job.folder, wait=True):
        job.run()
