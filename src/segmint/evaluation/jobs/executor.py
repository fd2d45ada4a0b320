"""What can carry out jobs, and how work that is made of them gets done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol

from segmint.errors import UserError
from segmint.evaluation.jobs.job import Job, Plan, T
from segmint.evaluation.jobs.perform import Outcome


@dataclass(frozen=True)
class Ended:
    """A job that has ended; `problem` says what happened where it did not get done."""

    job: Job
    problem: str | None = None


class Executor(Protocol):
    """Carries out jobs: in order, in local processes, or on a cluster."""

    @property
    def concurrent(self) -> bool:
        """Whether several jobs run at a time."""

    def submit(self, job: Job) -> None:
        """Take a job."""

    def wait(self) -> Ended:
        """Wait until one of the jobs it was given has ended, and tell which.

        Raises:
            UserError: the input of a job is wrong.
            KeyboardInterrupt: stopped by Ctrl-C.
        """

    def close(self) -> None:
        """Stop what still runs; what was begun is saved."""


class JobDefect(RuntimeError):
    """A defect of segmint that showed in another process; the text has its traceback."""


def check_outcome(outcome: Outcome, job: Job) -> None:
    """Turn an outcome that ends everything into what it was in the other process.

    Raises:
        UserError: the job's input is wrong.
        JobDefect: segmint is.
    """
    if outcome.kind == "wrong":
        raise UserError(outcome.words)
    if outcome.kind == "defect":
        raise JobDefect(f"{job.title}: {outcome.words}")


class _Course(Generic[T]):
    """How far a plan is."""

    def __init__(self, plan: Plan[T]) -> None:
        self.plan = plan
        self.waits_for: set[Path] = set()
        self.broken = False
        self.result: list[T] = []

    def advance(self) -> list[Job]:
        """The jobs it needs next; none where it has come to its end."""
        while True:
            try:
                jobs = next(self.plan)
            except StopIteration as end:
                self.result.append(end.value)
                return []
            missing = []
            for job in jobs:
                if job.finished:
                    job.ended(trained=False)
                else:
                    missing.append(job)
            self.waits_for = {job.folder for job in missing}
            if missing:
                return missing


class JobsFailed(UserError):
    """Some jobs did not get done; all the others did.

    Args:
        problems: What became of each.
        again: How to do what is missing.
    """

    def __init__(self, problems: Sequence[str], again: str = "the same command again") -> None:
        many = f"{len(problems)} jobs did not get done" if len(problems) > 1 else "one job did not get done"
        super().__init__(f"{many} ({'; '.join(problems)}); the rest is kept, and {again} does what is missing.")
        self.problems = problems


def carry_out(plans: Sequence[Plan[T]], executor: Executor) -> list[T]:
    """Carry out plans, beside one another where several jobs run at a time, else one after the other.

    A job that several plans need, told by its folder, is done once.
    A job that does not get done breaks its plan off; whatever else has been begun goes on to its end, so that the next call
    finds as much as possible.

    Returns:
        What the plans return.

    Raises:
        UserError: the input of a job is wrong.
        JobsFailed: some did not get done.
        KeyboardInterrupt: stopped by Ctrl-C.
    """
    if not executor.concurrent and len(plans) > 1:
        return [result for plan in plans for result in carry_out([plan], executor)]
    courses, problems = [_Course(plan) for plan in plans], []
    begun: set[Path] = set()

    def advance(course: _Course[T]) -> None:
        for job in course.advance():
            if job.folder not in begun:
                begun.add(job.folder)
                executor.submit(job)

    for course in courses:
        advance(course)
    while any(course.waits_for for course in courses):
        ended = executor.wait()
        begun.remove(ended.job.folder)
        if ended.problem is None:
            ended.job.ended(trained=True)
        else:
            ended.job.failed()
            problems.append(ended.problem)
        for course in courses:
            if ended.job.folder in course.waits_for:
                course.waits_for.remove(ended.job.folder)
                course.broken |= ended.problem is not None
                if not course.waits_for and not course.broken:
                    advance(course)
    if problems:
        raise JobsFailed(problems)
    return [result for course in courses for result in course.result]
