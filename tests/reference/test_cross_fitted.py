"""Segmenters in parts: every training subject is new to exactly one of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmint.data.dataset import open_dataset
from segmint.data.pool import PoolPart
from segmint.data.slices import SliceSet, open_slices
from segmint.reference import cross_fitted
from segmint.reference.cross_fitted import Fitted, cross_fitted_segmenters


@pytest.fixture
def slices(discs: Path) -> SliceSet:
    return open_slices(open_dataset(discs), size=16)


@pytest.fixture
def fit(monkeypatch: pytest.MonkeyPatch, slices: SliceSet) -> Callable[..., tuple[Fitted, ...]]:
    """Deals as ever; a segmenter is the set of subjects it would have been trained on."""

    def trained(part: PoolPart, validation: PoolPart | None, **options: Any) -> Any:
        assert (validation, options) == (None, {"seed": options["seed"], "steps": 3})
        return {part.slices.records[i].subject for i in part.indices}

    monkeypatch.setattr(cross_fitted, "reference_segmenter", trained)
    every = np.arange(len(slices))
    return lambda indices=every, **options: cross_fitted_segmenters(PoolPart(slices, indices), None, steps=3, **options)


@pytest.mark.parametrize("parts", [2, 3])
def test_each_subject_is_new_to_one_segmenter(
    parts: int, fit: Callable[..., tuple[Fitted, ...]], slices: SliceSet
) -> None:
    found, subjects = fit(parts=parts), set(slices.dataset.subjects)
    assert len(found) == parts
    assert sorted(subject for one in found for subject in one.unseen) == sorted(subjects)
    for one in found:
        assert one.segmenter == one.seen == subjects - one.unseen
    assert {len(one.unseen) for one in found} <= {len(subjects) // parts, -(-len(subjects) // parts)}


def test_the_deal_is_the_seed_s(fit: Callable[..., tuple[Fitted, ...]]) -> None:
    assert fit() == fit()
    assert any(fit(seed=seed) != fit() for seed in (1, 2, 3))


def test_subjects_with_labels_are_dealt_out_first(
    fit: Callable[..., tuple[Fitted, ...]], slices: SliceSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    subjects = sorted(slices.dataset.subjects)
    bare = [record if record.subject in subjects[-2:] else _bare(record) for record in slices.records]
    monkeypatch.setattr(slices, "records", tuple(bare))
    for seed in range(4):
        assert [len(one.unseen & set(subjects[-2:])) for one in fit(seed=seed)] == [1, 1]


def test_one_subject_with_labels_makes_one_segmenter_that_nothing_is_new_to(
    fit: Callable[..., tuple[Fitted, ...]], slices: SliceSet
) -> None:
    subject = slices.dataset.subjects[0]
    (one,) = fit(slices.indices([subject]))
    assert one == Fitted(one.segmenter, frozenset({subject}), frozenset())


def _bare(record: Any) -> Any:
    return type(record)(record.case, record.subject, record.slice, foreground=False)
