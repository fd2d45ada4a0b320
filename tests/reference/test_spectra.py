"""Amplitude spectra: what they do not change by, and that they find moved and magnified images again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segmint.reference.spectra import GRID, SpectrumIndex, above_border, magnified, resized


@pytest.fixture(scope="module")
def coarse(images: Callable[..., Any]) -> torch.Tensor:
    return resized(torch.from_numpy(images(60)), GRID)


def test_what_surrounds_an_image_is_nothing(coarse: torch.Tensor) -> None:
    assert torch.equal(above_border(coarse + 0.25)[:, :, 0], torch.zeros(60, 1, GRID))


def test_magnifying_by_one_and_back_again(coarse: torch.Tensor) -> None:
    assert torch.equal(magnified(coarse, 1.0), coarse)
    assert (magnified(magnified(coarse, 1.1), 1 / 1.1) - coarse).abs().mean() < 0.08


@settings(deadline=None, max_examples=15)
@given(st.integers(-3, 3), st.integers(-3, 3), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 59))
def test_moved_turned_and_mirrored_images_are_the_first_candidate(
    coarse: torch.Tensor, down: int, right: int, turn: bool, mirror: bool, half: bool, place: int
) -> None:
    index = SpectrumIndex(coarse)
    query = torch.roll(coarse[place : place + 1], (down, right), (-2, -1)) * 0.7 + 0.1
    query = query.flip((-2, -1)) if half else query
    query = query.flip(-1) if mirror else query
    query = query.transpose(-2, -1) if turn else query
    found = index.candidates(query, 3)
    assert found.positions[0, 0] == place
    assert bool(found.turned[0, 0]) == turn
    assert bool(found.mirrored[0, 0]) == mirror
    assert found.scales[0, 0] == 1


@pytest.mark.parametrize("scale", [0.86, 1.09, 1.17])
def test_magnified_images_are_among_the_candidates(coarse: torch.Tensor, scale: float) -> None:
    found = SpectrumIndex(coarse).candidates(magnified(coarse[:20], scale), 8)
    hits = found.positions == torch.arange(20)[:, None]
    assert hits.any(dim=1).float().mean() >= 0.9
    assert np.allclose(found.scales[hits].mean(), 1 / scale, rtol=0.05)


@pytest.mark.parametrize(
    ("angle", "mirror"), [(-37.0, False), (-16.0, True), (12.0, False), (28.0, True), (44.0, False)]
)
def test_tilted_images_are_among_the_candidates(coarse: torch.Tensor, angle: float, mirror: bool) -> None:
    queries = magnified(coarse[:20], 1.0, angle)
    found = SpectrumIndex(coarse).candidates(queries.flip(-1) if mirror else queries, 8)
    hits = found.positions == torch.arange(20)[:, None]
    assert hits.any(dim=1).float().mean() >= 0.9
    assert found.scales[hits].mean() == pytest.approx(1, abs=0.05)


def test_no_more_candidates_than_images(coarse: torch.Tensor) -> None:
    assert SpectrumIndex(coarse[:3]).candidates(coarse[:2], 16).positions.shape == (2, 3)
