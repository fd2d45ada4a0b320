"""curve.json."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from segmint.report.stored.entries import Entry, Interval, Names, Number


class _Level(Entry):
    subjects: Annotated[int, Field(ge=1, le=10**9)]
    all: bool


class _Arm(Entry):
    name: str
    title: str
    own: bool


class _Difference(Entry):
    difference: Number | None
    interval: Interval


class _Point(Entry):
    labelled: int
    arm: str
    mean: Number | None
    interval: Interval
    difference_to_real: _Difference


class StoredCurve(Entry):
    """A label-efficiency curve: every arm has a point at every number of labelled subjects."""

    dataset: dict[str, Any] | None = None
    segmenter: str
    seeds: int
    steps: int
    batch: int
    size: int
    test_subjects: Names
    labelled: Annotated[list[_Level], Field(min_length=1)]
    arms: list[_Arm]
    points: list[_Point]
    notes: Names

    @model_validator(mode="after")
    def _whole(self) -> Self:
        found = {(one.labelled, one.arm) for one in self.points}
        for level in self.labelled:
            for arm in self.arms:
                if (level.subjects, arm.name) not in found:
                    raise ValueError(f"the point of {arm.name} at {level.subjects} labelled subjects is missing")
        return self
