"""Pasted lesions: ids are never invented, image and ids go together, and where there is no lesion nothing happens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from segmint.networks.copy_paste import RIM, Pastes, Style, apply_pastes, draw_pastes

SIZE = 32


def draw(n: int, *, seed: int = 0, **changes: Any) -> Pastes:
    return replace(draw_pastes(n, generator=torch.Generator().manual_seed(seed)), **changes)


def organs(n: int = 3, *, lesions: int = 1) -> tuple[Tensor, Tensor]:
    """Grey organs of id 1 on black with a bright square lesion of id 2 in the first `lesions`."""
    labels = torch.zeros(n, SIZE, SIZE, dtype=torch.int64)
    labels[:, 4:28, 4:28] = 1
    labels[:lesions, 8:14, 9:15] = 2
    return torch.tensor([-1.0, 0.0, 0.8])[labels][:, None], labels


EVERY: dict[str, Any] = {"happens": torch.ones(3, dtype=torch.bool)}
STILL: dict[str, Any] = EVERY | {"threshold": torch.zeros(3)}


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), style=st.sampled_from(["carvemix", "tumorcp"]), alone=st.booleans())
def test_ids_are_never_invented_and_ranges_stay(seed: int, style: Style, alone: bool) -> None:
    images, labels = organs(lesions=2)
    found, ids = apply_pastes(images, labels, draw(3, seed=seed), style=style, lesions=[2] if alone else [])
    assert set(ids.unique().tolist()) <= {0, 1, 2}
    assert ids.dtype == labels.dtype
    assert found.abs().max() <= 1
    # Away from what was pasted, its rim included, the image is what it was.
    pasted = (ids != labels) | (ids > (1 if alone else 0))
    near = torch.nn.functional.max_pool2d(pasted[:, None].float(), 7, 1, 3) > 0
    assert torch.allclose(found[~near], images[~near], atol=1e-5)


@pytest.mark.parametrize("style", ["carvemix", "tumorcp"])
def test_without_a_lesion_elsewhere_nothing_happens(style: Style) -> None:
    images, labels = organs(lesions=0)
    found, ids = apply_pastes(images, labels, draw(3, **EVERY), style=style, lesions=[2])
    assert torch.equal(found, images)
    assert torch.equal(ids, labels)
    images, labels = organs(lesions=1)
    found, ids = apply_pastes(images, labels, draw(3, **EVERY), style=style, lesions=[2])
    assert torch.equal(ids[0], labels[0]), "the only one with a lesion has none to take from"
    assert (ids[1] == 2).any()
    assert (ids[2] == 2).any()


def test_carvemix_pastes_the_lesion_where_it_is_and_blends_its_rim() -> None:
    images, labels = organs()
    found, ids = apply_pastes(images, labels, draw(3, **STILL), style="carvemix", lesions=[2])
    assert torch.equal(ids[1], labels[0])
    assert torch.allclose(found[1, 0, 9:13, 10:14], images[0, 0, 9:13, 10:14])
    # Two pixels of rim: of the first inside three quarters are pasted, of the last outside one.
    assert RIM == 2
    images[1] -= 0.4
    found, _ = apply_pastes(images, labels, draw(3, **STILL), style="carvemix", lesions=[2])
    assert found[1, 0, 10, 7:11].tolist() == pytest.approx([-0.4, -0.3, 0.5, 0.8], abs=1e-6)
    assert torch.equal(found[1, 0, 4:7], images[1, 0, 4:7])


def test_the_threshold_grows_and_shrinks_what_is_carved() -> None:
    labels = torch.zeros(3, SIZE, SIZE, dtype=torch.int64)
    labels[0, 10:20, 10:20] = 2
    labels[1:] = 1
    images = labels[:, None] * 0.4
    sizes = []
    for share in (-0.5, 0.0, 1.0):
        changes = EVERY | {"threshold": torch.full((3,), share)}
        _, ids = apply_pastes(images, labels, draw(3, **changes), style="carvemix", lesions=[2])
        sizes.append((int((ids[1] == 2).sum()), int((ids[1] == 0).sum())))
    (core, none), (all_of_it, still_none), (whole, around) = sizes
    assert (none, still_none) == (0, 0)
    assert 0 < core < all_of_it == whole == 100
    assert around > 100, "what surrounds the lesion comes along with its own ids"


def test_tumorcp_moves_one_lesion_into_the_organ_and_changes_it() -> None:
    images, labels = organs()
    labels[0, 20:23, 20:23] = 2
    areas, places = [], []
    for seed in range(40):
        _, ids = apply_pastes(images, labels, draw(3, seed=seed, **EVERY), style="tumorcp", lesions=[2])
        rows, columns = (ids[1] == 2).nonzero().T
        areas.append(len(rows))
        places.append((float(rows.float().mean()), float(columns.float().mean())))
        assert (ids[1] == 2).sum() < 36 * 1.25**2 + 12
    # 9 or 36 pixels, scaled by 0.75 to 1.25 a side.
    assert min(areas) < 16 < 20 < max(areas)
    spread = np.asarray(places)
    assert spread.min() > 3
    assert spread.max() < 29
    assert (spread.std(axis=0) > 4).all()


def test_tumorcp_without_change_is_a_shift() -> None:
    images, labels = organs()
    still = EVERY | {"turn": torch.eye(2).expand(3, 2, 2), "scale": torch.ones(3), "gamma": torch.ones(3)}
    # Of the 576 pixels of the organ the one in its middle; the lesion's own middle is row 10, column 12.
    pastes = draw(3, place=torch.full((3,), (12 * 24 + 12.5) / 576), **still)
    found, ids = apply_pastes(images, labels, pastes, style="tumorcp", lesions=[2])
    expected = torch.roll(labels[0] == 2, (16 - 10, 16 - 12), (0, 1))
    assert torch.equal(ids[1] == 2, expected)
    inner = torch.nn.functional.max_pool2d((~expected)[None].float(), 3, 1, 1)[0] == 0
    assert torch.allclose(found[1, 0][inner], torch.tensor(0.8), atol=1e-4)


def test_without_an_organ_it_goes_to_the_body_and_an_empty_image_takes_none() -> None:
    images, labels = organs()
    images, labels = images.clone(), torch.where(labels == 2, 1, 0)
    images[2] = -1
    for seed in range(20):
        _, ids = apply_pastes(images, labels, draw(3, seed=seed, **EVERY), style="tumorcp")
        assert not ids[2].any()
        middle = ids[1].nonzero().float().mean(dim=0)
        assert 3 < middle.min() <= middle.max() < 29


def test_a_lesion_that_fills_the_image_is_pasted_whole() -> None:
    images, labels = organs()
    labels[0] = 2
    found, ids = apply_pastes(images, labels, draw(3, **STILL), style="carvemix", lesions=[2])
    assert torch.equal(ids[1], labels[0])
    assert torch.allclose(found[1], images[0])


def test_draws_repeat_and_happen_half_of_the_time() -> None:
    first, again = (draw(2000, seed=5) for _ in range(2))
    assert torch.equal(first.threshold, again.threshold)
    assert float(first.happens.float().mean()) == pytest.approx(0.5, abs=0.04)
    assert first.threshold.min() < -0.45
    assert first.threshold.max() > 0.95
    assert float((first.threshold < 0).float().mean()) == pytest.approx(0.5, abs=0.04)
    assert torch.allclose(first.turn.det().abs(), torch.ones(2000), atol=1e-5)
