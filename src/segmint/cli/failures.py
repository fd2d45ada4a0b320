"""Exceptions as exit codes: 0 done, 2 the user's to mend (one sentence), 130 stopped, 1 a defect (traceback)."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import typer

from segmint.errors import UserError, WaitingForPerson, is_out_of_memory, writing_failure

DONE, DEFECT, WRONG_INPUT, STOPPED = 0, 1, 2, 130

# typer.BadParameter's parents are the same in every typer: its own copy of click, or click itself.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]

_LOWER = {
    "train": "lower --batch first, then --size, or pass --capacity small",
    "trial": "lower --batch first, then --size",
    "run": "lower --batch first, then --size, or pass --capacity small",
    "segment": "lower --batch first, then --size; to predict, pass --device cpu or give smaller images",
    "evaluate": "lower --batch first, then --size",
    "sample": "pass --device cpu, or train with a smaller --size or --capacity small",
    "demo": "close other programs, or pass --budget tiny",
}


@dataclass(frozen=True)
class Outcome:
    """How a command ended. `sentence` is None for a defect, whose traceback is shown instead."""

    code: int
    sentence: str | None


def outcome_of(error: BaseException, *, verb: str) -> Outcome:
    """What to tell the user of an exception that ended a command."""
    if isinstance(error, WaitingForPerson):
        return Outcome(DONE, _one_line(error))
    if isinstance(error, UserError):
        return Outcome(WRONG_INPUT, _one_line(error))
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return Outcome(STOPPED, "stopped")
    if isinstance(error, _UsageError):
        return Outcome(WRONG_INPUT, _usage(error))
    if is_out_of_memory(error):
        return Outcome(WRONG_INPUT, f"Out of memory: {_LOWER.get(verb, 'close other programs, or take less data')}.")
    if (reason := writing_failure(error)) is not None:
        return Outcome(WRONG_INPUT, reason)
    return Outcome(DEFECT, None)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _usage(error: Exception) -> str:
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    message = " ".join(message.split()).rstrip(".")
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "segmint"
    return f"{message} (see {command} --help)."


def tell(outcome: Outcome) -> None:
    """Print the sentence: to stdout where all is well, else to stderr."""
    if outcome.sentence is not None:
        print(f"segmint: {outcome.sentence}", file=sys.stdout if outcome.code == DONE else sys.stderr)
