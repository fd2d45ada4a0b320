"""The health warnings of a training, each named once with when it fired and what to try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Warning:
    """One kind of warning: its last message, its advice, and at which kimg it fired first and last, how often."""

    code: str
    message: str
    advice: str
    stage: str
    first_kimg: float
    last_kimg: float
    count: int

    @property
    def when(self) -> str:
        if self.count == 1:
            return f"once, at {self.first_kimg:g} kimg"
        return f"{self.count} times, from {self.first_kimg:g} to {self.last_kimg:g} kimg"


def gather_warnings(log: Sequence[Mapping[str, Any]]) -> tuple[Warning, ...]:
    """The warnings of all ticks, one entry for each stage and code, in the order in which they first fired."""
    found: dict[tuple[str, str], list[tuple[float, Mapping[str, Any]]]] = {}
    for tick in log:
        for entry in tick.get("health") or []:
            key = (str(tick.get("stage", "")), str(entry.get("code", "")))
            found.setdefault(key, []).append((float(tick.get("kimg") or 0), entry))
    return tuple(
        Warning(
            code=code.replace("_", " "),
            message=str(entries[-1][1].get("message", "")),
            advice=str(entries[-1][1].get("advice", "")),
            stage=stage,
            first_kimg=entries[0][0],
            last_kimg=entries[-1][0],
            count=len(entries),
        )
        for (stage, code), entries in found.items()
    )
