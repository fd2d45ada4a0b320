"""Plans and the jobs they are made of, without any training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from segmint.errors import UserError
from segmint.evaluation.jobs.executor import Ended, Executor, JobDefect, carry_out, check_outcome
from segmint.evaluation.jobs.in_order import InOrder
from segmint.evaluation.jobs.job import Job, Plan
from segmint.evaluation.jobs.perform import Outcome


@dataclass
class Note:
    """A job that writes one file, and tells what happened to it in `story`."""

    folder: Path
    story: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        return self.folder.name

    @property
    def finished(self) -> bool:
        return (self.folder / "note").is_file()

    def run(self) -> None:
        self.story.append(f"run {self.title}")
        (self.folder / "note").touch()

    def as_json(self) -> dict[str, Any]:
        return {}

    def began(self) -> str:
        return ""

    def failed(self) -> None:
        self.story.append(f"failed {self.title}")

    def ended(self, *, trained: bool) -> None:
        self.story.append(f"{'did' if trained else 'kept'} {self.title}")


class Together:
    """Ends jobs in the opposite order, some without success."""

    concurrent = True

    def __init__(self, failing: Sequence[str] = ()) -> None:
        self.queue: list[Job] = []
        self.failing = failing
        self.most = 0

    def submit(self, job: Job) -> None:
        self.queue.append(job)

    def wait(self) -> Ended:
        self.most = max(self.most, len(self.queue))
        job = self.queue.pop()
        if job.title in self.failing:
            return Ended(job, f"{job.title} died")
        job.folder.mkdir(parents=True)
        job.run()
        return Ended(job)

    def close(self) -> None: ...


def planned(root: Path, name: str, story: list[str]) -> Plan[str]:
    """Two jobs, and a third that needs them."""
    yield [Note(root / f"{name}{number}", story) for number in (1, 2)]
    assert (root / f"{name}1" / "note").is_file()
    assert (root / f"{name}2" / "note").is_file()
    yield [Note(root / f"{name}3", story)]
    return name


def in_order() -> InOrder:
    return InOrder(Console(quiet=True))


def test_one_after_the_other_in_this_process(tmp_path: Path) -> None:
    story: list[str] = []
    assert carry_out([planned(tmp_path, name, story) for name in "ab"], in_order()) == ["a", "b"]
    assert [one for one in story if one.startswith("run")] == [f"run {name}{k}" for name in "ab" for k in (1, 2, 3)]
    assert story[:2] == ["run a1", "did a1"]


def test_beside_one_another_each_in_its_own_order(tmp_path: Path) -> None:
    story: list[str] = []
    together = Together()
    assert carry_out([planned(tmp_path, name, story) for name in "ab"], together) == ["a", "b"]
    assert together.most == 4
    assert story.index("did b3") < story.index("did a1"), "a plan that has what it needs goes on"


@pytest.mark.parametrize("executor", [in_order(), Together()])
def test_what_is_done_is_kept(tmp_path: Path, executor: Executor) -> None:
    story: list[str] = []
    for name in ("a1", "a3"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "note").touch()
    assert carry_out([planned(tmp_path, "a", story)], executor) == ["a"]
    assert story == ["kept a1", "run a2", "did a2", "kept a3"]


def test_a_job_that_dies_breaks_its_plan_off_and_no_other(tmp_path: Path) -> None:
    story: list[str] = []
    with pytest.raises(
        UserError, match=r"^one job did not get done \(a1 died\); the rest is kept, and the same command"
    ):
        carry_out([planned(tmp_path, name, story) for name in "ab"], Together(failing=["a1"]))
    assert [one for one in story if not one.startswith("run")] == ["did b2", "did b1", "did b3", "did a2", "failed a1"]
    with pytest.raises(UserError, match=r"^2 jobs did not get done \(b1 died; a1 died\)"):
        carry_out([planned(tmp_path / "other", name, []) for name in "ab"], Together(failing=["a1", "b1"]))


def test_outcomes_of_other_processes(tmp_path: Path) -> None:
    job = Note(tmp_path)
    check_outcome(Outcome("done"), job)
    with pytest.raises(UserError, match=r"^The mask is damaged\.$"):
        check_outcome(Outcome("wrong", "The mask is damaged."), job)
    with pytest.raises(JobDefect, match="ZeroDivisionError"):
        check_outcome(Outcome("defect", "Traceback ... ZeroDivisionError"), job)
