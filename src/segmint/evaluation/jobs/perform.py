"""A job told of by a file is done here, in a process of its own, and how it ended is written beside that file.

What crosses between processes are these two JSON files, and what jobs write into their folders. Nothing is pickled.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from segmint.errors import UserError, is_out_of_memory, writing_failure
from segmint.evaluation.curve import generators, own_cell
from segmint.evaluation.jobs import cell_job, curation_job, pairs_job
from segmint.evaluation.jobs.job import Job, run_alone
from segmint.outputs import read_json, write_json

TOLD, OUTCOME = "job.json", "outcome.json"
_READERS: Mapping[str, Callable[[Mapping[str, Any]], Job]] = {
    cell_job.KIND: cell_job.read_cell_job,
    pairs_job.KIND: pairs_job.read_pairs_job,
    curation_job.KIND: curation_job.read_curation_job,
    generators.KIND: generators.read_curve_generator,
    own_cell.KIND: own_cell.read_own_cell,
}
COLUMNS = "160"
"""How wide lines are that a job prints where nobody sees a terminal."""


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        kind: "done"; "wrong" input; out of "memory"; "stopped" by a signal; "defect".
        words: a sentence for the user, or a traceback.
    """

    kind: Literal["done", "wrong", "memory", "stopped", "defect"]
    words: str = ""


def tell_job(job: Job) -> Path:
    """Write the file that tells another process of a job; how it ended before is forgotten."""
    job.folder.mkdir(parents=True, exist_ok=True)
    told = job.folder / TOLD
    write_json(told, job.as_json())
    outcome_file(told).unlink(missing_ok=True)
    return told


def outcome_file(told: Path) -> Path:
    """Where it will stand how the job ended."""
    return told.with_name(OUTCOME)


def read_outcome(told: Path) -> Outcome | None:
    """How the job ended; None while that is not written.

    Raises:
        UserError: the file is damaged.
    """
    path = outcome_file(told)
    return Outcome(**read_json(path)) if path.is_file() else None


def read_job(content: Mapping[str, Any]) -> Job:
    """The job that a file tells of.

    Raises:
        UserError: what it needs is gone.
    """
    return _READERS[content["kind"]](content)


def perform(told: Path) -> Outcome:
    """Do the job that a file tells of, and write how it ended.

    Raises:
        KeyboardInterrupt: stopped by a signal; that is written too, and what was begun is saved.
    """
    try:
        run_alone(read_job(read_json(told)))
        outcome = Outcome("done")
    except UserError as error:
        outcome = Outcome("wrong", str(error))
    except KeyboardInterrupt:
        write_json(outcome_file(told), asdict(Outcome("stopped")))
        raise
    except Exception as error:
        failure = writing_failure(error)
        if failure is not None:
            outcome = Outcome("wrong", failure)
        elif is_out_of_memory(error):
            outcome = Outcome("memory", str(error).partition("\n")[0])
        else:
            outcome = Outcome("defect", traceback.format_exc())
    write_json(outcome_file(told), asdict(outcome))
    return outcome
