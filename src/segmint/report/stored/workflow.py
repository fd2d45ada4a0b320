"""steps.json and inspection.json of `segmint run` and `segmint demo`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from segmint.report.stored.entries import Count, Entry, Names, Number

_Shape = Annotated[list[Count], Field(min_length=2, max_length=3)]


class _Step(Entry):
    name: str
    command: str


class StoredSteps(Entry):
    """The steps of a workflow."""

    recipe: str | None = None
    why: str | None = None
    steps: list[_Step] | None = None


class _Sizes(Entry):
    smallest: _Shape
    largest: _Shape


class _Spacing(Entry):
    median: list[Number]


class _Subset(Entry):
    subjects: Count
    slices: Count | None


class _Label(Entry):
    id: Count
    name: str
    share: Number
    pairs: Count


class StoredInspection(Entry):
    """What was found in the dataset."""

    path: str
    name: str
    licence: str | None
    pairs: Count
    subjects: Count
    dimensions: Count
    empty_masks: Count
    unlabelled_images: Count = 0
    unlabelled_subjects: Count = 0
    unlabelled_held_out: Count = 0
    sizes: _Sizes | None
    spacing: _Spacing | None
    split: dict[str, Count] | None
    subsets: dict[str, _Subset]
    labels: list[_Label]
    problems: Names
    remarks: Names
