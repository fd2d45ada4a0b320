"""Whose labels and images a run has seen: what decides which trials may use its pairs."""

from __future__ import annotations

from collections.abc import Sequence

from segmint.data.dataset import Dataset

SEEN_LISTS = ("labels_seen", "images_seen", "selected_on")


def seen(dataset: Dataset, subjects: Sequence[str]) -> list[list[str]]:
    """(dataset identity, subject) pairs for the seen-lists."""
    return [[dataset.identity, subject] for subject in subjects]


def seen_before(dataset: Dataset) -> dict[str, list[list[str]]]:
    """By seen-list what a dataset itself stands on: that of the generators that drew it; nothing of a real one."""
    made = dataset.provenance
    return {key: [] if made is None else [list(pair) for pair in getattr(made, key)] for key in SEEN_LISTS}


def union(*lists: Sequence[Sequence[str]]) -> list[list[str]]:
    """Seen-lists put together, each pair once, in order of appearance."""
    return [list(pair) for pair in dict.fromkeys((str(pair[0]), str(pair[1])) for one in lists for pair in one)]
