"""Copies are found however they were moved or recoloured, and the more an image is damaged the less it is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from segmint.reference import copies
from segmint.reference.copies import DIRECTION, NAME, RANGE, CopySearch

ALL = np.arange(8)


def tilted(images: Any, angle: float) -> Any:
    return ndimage.rotate(images, angle, axes=(-1, -2), reshape=False, order=1, cval=-1)


@pytest.fixture(scope="module")
def known(images: Callable[..., Any]) -> Any:
    return images(40)


@pytest.fixture(scope="module")
def search(known: Any) -> CopySearch:
    return CopySearch(known, np.arange(40), np.arange(40))


@pytest.fixture(scope="module")
def highest(search: CopySearch, images: Callable[..., Any]) -> float:
    """How near new images come."""
    return float(search.nearest(images(12, seed=9), np.arange(12)).similarity.max())


def test_it_declares_itself() -> None:
    assert (NAME, DIRECTION, RANGE) == ("aligned_similarity", "as held-out", (-1.0, 1.0))


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one,
        lambda one: np.flip(one, -1),
        lambda one: np.rot90(one, 3, (-2, -1)),
        lambda one: np.rot90(np.flip(one, -1), 1, (-2, -1)),
        lambda one: np.roll(one, (6, -5), (-2, -1)),
        lambda one: np.clip(one * 0.7 + 0.1, -1, 1),
        lambda one: one + np.random.default_rng(0).normal(0, 0.08, one.shape),
        lambda one: ndimage.shift(one, (0, 0, 2.5, -3.5), order=1, cval=-1),
        lambda one: tilted(one, 12),
        lambda one: tilted(one, -28),
        lambda one: tilted(np.flip(one, -1), 39),
        lambda one: tilted(np.flip(np.rot90(one, 1, (-2, -1)), -1), 17),
        lambda one: np.roll(tilted(np.rot90(one, 3, (-2, -1)), -40) * 0.8, (4, -3), (-2, -1)),
    ],
)
def test_a_transformed_copy_is_named(change: Any, known: Any, search: CopySearch, highest: float) -> None:
    found = search.nearest(np.ascontiguousarray(change(known[:8]), dtype=np.float32), ALL)
    assert found.positions.tolist() == ALL.tolist()
    assert found.similarity.min() > highest


def test_only_the_images_asked_for_are_searched(known: Any) -> None:
    some = CopySearch(known, np.arange(20, 40), np.arange(20))
    found = some.nearest(known, np.array([25, 3]))
    assert found.positions[0] == 5
    assert found.similarity[0] == pytest.approx(1, abs=1e-3)
    assert found.similarity[1] < 0.9


def test_more_damage_is_less_similar(known: Any, search: CopySearch) -> None:
    noise = np.random.default_rng(0).normal(size=known[:8].shape)
    medians = [
        np.median(search.nearest((known[:8] + level * noise).astype(np.float32), ALL).similarity)
        for level in (0, 0.1, 0.3)
    ]
    assert medians == sorted(medians, reverse=True)
    assert medians[0] == pytest.approx(1, abs=1e-3)


def test_aligned_images_lie_on_their_copies(known: Any, search: CopySearch) -> None:
    moved = np.ascontiguousarray(np.rot90(np.roll(known[:8], 5, -1), 1, (-2, -1)))
    aligned = search.aligned(moved, ALL)
    assert aligned.shape == (8, 1, 64, 64)
    assert np.abs(aligned - known[:8]).mean() < 0.05 < np.abs(moved - known[:8]).mean()


def test_aligned_images_lie_on_their_tilted_mirrored_copies(known: Any, search: CopySearch) -> None:
    moved = np.ascontiguousarray(tilted(np.flip(np.roll(known[:8], 4, -2), -1), 25))
    aligned = search.aligned(moved, ALL)
    assert np.abs(aligned - known[:8]).mean() < 0.06 < np.abs(moved - known[:8]).mean()


def test_blocks_make_no_difference_and_large_images_are_looked_at_small(
    images: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "_BLOCK", 4)
    large = images(10, size=80, channels=2, seed=4)
    search = CopySearch(large, np.arange(6), np.arange(6))
    together = search.nearest(large, np.arange(10))
    alone = search.nearest(large, np.array([9]))
    assert alone.similarity[0] == pytest.approx(together.similarity[9], abs=1e-4)
    assert together.positions[:6].tolist() == list(range(6))


def test_a_twin_under_another_name_is_near_but_not_nearer(known: Any) -> None:
    twins = CopySearch(np.concatenate([known[:8], known[:8]]), np.arange(16), np.arange(16))
    one_subject = CopySearch(np.concatenate([known[:8], known[:8]]), np.arange(16), np.tile(ALL, 2))
    alike, apart = twins.nearest(known, ALL), one_subject.nearest(known, ALL)
    assert np.allclose(alike.similarity, alike.other, atol=1e-3)
    assert apart.other.max() < 0.9
    assert (apart.evidence[:, 1] > alike.evidence[:, 1] + 2).all()
    assert np.allclose(apart.evidence[:, 0], alike.evidence[:, 0], atol=0.1)
    alone = CopySearch(known, ALL, np.zeros(8, dtype=np.int64)).nearest(known, ALL)
    assert alone.other.tolist() == [0.0] * 8


def test_a_faint_image_that_is_as_near_is_less_likely_a_copy(known: Any, search: CopySearch) -> None:
    bright = search.nearest(known, ALL)
    faint = search.nearest((known[:8] * 0.2).astype(np.float32), ALL)
    assert np.allclose(faint.content, bright.content * 0.2, rtol=1e-3)
    assert np.allclose(bright.content, known[:8].std(axis=(2, 3)).mean(axis=1), rtol=1e-3)
    assert (bright.evidence[:, 1] > faint.evidence[:, 1]).all()


def test_blank_images_are_like_nothing(known: Any) -> None:
    blank = np.full_like(known[:2], -1)
    search = CopySearch(np.concatenate([known[:3], blank]), np.arange(5), np.arange(5))
    found = search.nearest(np.concatenate([blank, known[:1]]), np.arange(3))
    assert np.isfinite(found.evidence).all()
    assert found.similarity[:2].max() < 0.5
    assert found.positions[2] == 0
    only = CopySearch(known, np.array([4]), np.array([0])).nearest(known, np.array([4, 5]))
    assert only.positions.tolist() == [0, 0]
    assert only.similarity[0] == pytest.approx(1, abs=1e-3)
