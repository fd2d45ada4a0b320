"""Whose labels and images a run has seen: what decides which trials may use its pairs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from segmint.data.content import kept_marks
from segmint.data.dataset import Dataset
from segmint.data.pool import PairPool

SEEN_LISTS = ("labels_seen", "images_seen", "selected_on", "marks_seen")


def seen(dataset: Dataset, subjects: Sequence[str]) -> list[list[str]]:
    """(dataset identity, subject) pairs for the seen-lists."""
    return [[dataset.identity, subject] for subject in subjects]


def marks_seen(dataset: Dataset, *pools: PairPool) -> list[list[str]]:
    """(dataset identity, subject, marks of its images) of whom the slices of some pools show, by which they are known again."""
    found: dict[str, set[str]] = defaultdict(set)
    for part in (part for pool in pools for part in pool.parts):
        for i in part.indices.tolist():
            found[part.slices.records[i].subject].add(part.slices.marks[i])
    kept = {subject: kept_marks(marks) for subject, marks in sorted(found.items())}
    return [[dataset.identity, subject, " ".join(marks)] for subject, marks in kept.items() if marks]


def seen_before(dataset: Dataset) -> dict[str, list[list[str]]]:
    """By seen-list what a dataset itself stands on: that of the generators that drew it; nothing of a real one."""
    made = dataset.provenance
    return {key: [] if made is None else [list(pair) for pair in getattr(made, key)] for key in SEEN_LISTS}


def seen_by(config: Mapping[str, Any]) -> dict[str, list[list[str]]]:
    """By seen-list what a run's configuration says; runs of earlier versions tell no marks."""
    return {key: [list(entry) for entry in config.get(key, [])] for key in SEEN_LISTS}


def union(*lists: Sequence[Sequence[str]]) -> list[list[str]]:
    """Seen-lists put together, each entry once, in order of appearance."""
    return [list(entry) for entry in dict.fromkeys(tuple(map(str, entry)) for one in lists for entry in one)]
