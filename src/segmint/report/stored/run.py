"""A training's config.json and log.jsonl, and what a synthetic dataset says of the training behind it."""

from __future__ import annotations

from typing import Any

from segmint.report.stored.entries import Count, Dataset, Entry, Finding, Number, Subject, Value


class StoredSeen(Entry):
    """Whom the generator has seen."""

    labels_seen: list[Subject] | None = None
    images_seen: list[Subject] | None = None
    selected_on: list[Subject] | None = None


class StoredRun(StoredSeen):
    """config.json."""

    size: Count | None = None
    dataset: Dataset | None = None
    split: dict[str, Any] | None = None
    settings: dict[str, Any] | None = None


class StoredSynthetic(Entry):
    """segmint.json of a synthetic dataset."""

    provenance: StoredSeen | None = None


class _Validation(Entry):
    name: str = "validation"
    value: Value | None = None
    direction: str = "higher"


class StoredTick(Entry):
    """A line of log.jsonl; what is measured of a training that diverges may be no finite number."""

    stage: str = ""
    kimg: Number
    seconds: Number | None = None
    images_per_second: Number | None = None
    memory_mb: Number | None = None
    losses: dict[str, dict[str, Value | None]] | None = None
    validation: _Validation | None = None
    health: list[Finding] | None = None
