"""Alignment: known shifts, affine maps and deformations are found; the score against a plain sum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

from segmint.reference import registration as r
from segmint.reference.spectra import magnified


@pytest.fixture(scope="module")
def pictures(images: Callable[..., Any]) -> torch.Tensor:
    return torch.from_numpy(images(6, channels=2))


def score(moved: torch.Tensor, fixed: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    return r.local_correlation(moved, fixed, r.inside(places))


def test_smoothing_is_that_of_scipy(pictures: torch.Tensor) -> None:
    ours = r.smoothed(pictures, 2.0)
    theirs = ndimage.gaussian_filter(pictures.numpy(), (0, 0, 2.0, 2.0), mode="nearest", truncate=2.5)
    assert np.allclose(ours.numpy(), theirs, atol=1e-5)


def test_shifts_are_found(pictures: torch.Tensor) -> None:
    moved = torch.roll(pictures, (3, -5), (-2, -1))
    shifts, correlation = r.best_shifts(moved, pictures)
    assert torch.equal(shifts, torch.tensor([[-3.0, 5.0]]).expand(6, -1))
    assert correlation.min() > 0.95
    maps = r.similarity_map(torch.ones(6), torch.zeros(6), shifts / 64)
    back = r.taken(moved, r.places_of(maps, 64))
    assert torch.allclose(back[:, :, 8:-8, 8:-8], pictures[:, :, 8:-8, 8:-8], atol=1e-4)


def test_a_map_turns_clockwise_and_magnifies_before_it_moves(pictures: torch.Tensor) -> None:
    maps = r.similarity_map(
        torch.full((6,), 1.25), torch.full((6,), 90.0), torch.tensor([[0.125, -0.0625]]).expand(6, -1)
    )
    moved = r.taken(pictures, r.places_of(maps, 64))
    turned = torch.rot90(magnified(pictures, 1.25), -1, (-2, -1))
    assert torch.allclose(moved[:, :, 8:, :-4], turned[:, :, :-8, 4:], atol=1e-4)
    assert torch.allclose(torch.rot90(pictures, -1, (-2, -1)), magnified(pictures, 1.0, 90.0), atol=1e-4)


def test_an_affine_fit_takes_up_what_is_left(pictures: torch.Tensor) -> None:
    moving = magnified(pictures, 1.04)
    start = r.similarity_map(torch.ones(6), torch.zeros(6), torch.full((6, 2), 1 / 64))
    maps = r.fit(start, moving, pictures)
    assert torch.allclose(maps[:, 0, 0], torch.full((6,), 1.04), atol=0.01)
    assert maps[:, :, 2].abs().max() < 0.01


def test_a_smooth_deformation_is_undone_and_another_image_stays_another(pictures: torch.Tensor) -> None:
    field = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(2, 64, 64)), (0, 7, 7))
    field *= 2 / np.abs(field).max()
    places = np.mgrid[:64, :64] + field
    bent = np.stack([[ndimage.map_coordinates(c, places, order=1, mode="nearest") for c in one] for one in pictures])
    moving, straight = (
        torch.from_numpy(bent.astype(np.float32)),
        r.similarity_map(torch.ones(6), torch.zeros(6), torch.zeros(6, 2)),
    )
    before = score(moving, pictures, r.places_of(straight, 64))
    found = r.deform(straight, moving, pictures)
    after = score(r.taken(moving, found), pictures, found)
    assert (after > before).all()
    assert after.min() > 0.9
    other = r.deform(straight, moving, pictures.roll(1, 0))
    assert score(r.taken(moving, other), pictures.roll(1, 0), other).max() < after.min() - 0.2


def test_the_score_is_a_ratio_of_sums(pictures: torch.Tensor) -> None:
    ones = torch.ones(6, 1, 64, 64)
    fixed, moved = pictures, pictures.roll(1, 0)
    smooth = lambda values: ndimage.gaussian_filter(  # noqa: E731
        values, (0, 0, 64 * r.WINDOW, 64 * r.WINDOW), mode="nearest", truncate=2.5
    )
    a, b = (
        ndimage.gaussian_filter(one.numpy().astype(np.float64), (0, 0, 1, 1), mode="nearest", truncate=3)
        for one in (moved, fixed)
    )
    covariance = smooth(a * b) - smooth(a) * smooth(b)
    spread = np.sqrt(np.maximum(smooth(a * a) - smooth(a) ** 2, 0) * np.maximum(smooth(b * b) - smooth(b) ** 2, 0))
    expected = covariance.sum((1, 2, 3)) / spread.sum((1, 2, 3))
    assert np.allclose(r.local_correlation(moved, fixed, ones).numpy(), expected, atol=2e-3)
    assert torch.allclose(r.local_correlation(fixed, fixed * 0.5 + 0.2, ones), torch.ones(6), atol=1e-3)
