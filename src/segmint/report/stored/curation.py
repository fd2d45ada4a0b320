"""curation.json."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from segmint.report.stored.entries import Count, Entry, Names, Number


class _Counts(Entry):
    pairs: Count
    kept: Count


class _Band(Entry):
    least_dice: Number


class _Threshold(Entry):
    bands: Annotated[list[_Band], Field(min_length=1)]


class _HeldOut(Entry):
    slices: Count
    would_be_dropped: Number


class _Share(Entry):
    before: Number
    after: Number


class _Label(Entry):
    share: _Share


class StoredCuration(Entry):
    """What was kept and dropped of a synthetic dataset."""

    segmenter: dict[str, Any] | None
    counts: _Counts
    thresholds: dict[str, _Threshold | None] | None
    held_out: _HeldOut | None
    balance: dict[str, _Label]
    warnings: Names
    notes: Names
    pictures: list[Literal["kept.png", "dropped.png", "copies.png"]]
