"""Boxes of other samples: exactly theirs inside, exactly one's own outside."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segmint.networks.cut_mix import Boxes, apply_boxes, draw_boxes

CPU = torch.device("cpu")


def draw(n: int, *, seed: int = 0) -> Boxes:
    return draw_boxes(n, generator=torch.Generator().manual_seed(seed), device=CPU)


def marked(n: int, height: int = 12, width: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    """Every pixel tells its sample and its place; ids too."""
    places = torch.arange(height * width).reshape(height, width)
    labels = torch.arange(n)[:, None, None] * 1000 + places
    return labels[:, None].float() / (1000 * n), labels


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 5), width=st.integers(4, 16))
def test_every_pixel_and_its_id_come_from_one_sample_at_the_same_place(seed: int, n: int, width: int) -> None:
    images, labels = marked(n, width=width)
    boxes = draw(n, seed=seed)
    found, ids = apply_boxes(images, labels, boxes)
    assert torch.equal(found[:, 0], ids.float() / (1000 * n)), "image and ids move together"
    assert torch.equal(ids % 1000, labels % 1000), "nothing leaves its place"
    owners = ids // 1000
    for i in range(n):
        assert set(owners[i].unique().tolist()) <= {i, int(boxes.donors[i])}
        taken = (owners[i] != i).nonzero()
        if len(taken):
            (top, left), (bottom, right) = taken.amin(0).tolist(), taken.amax(0).tolist()
            assert len(taken) == (bottom - top + 1) * (right - left + 1), "a filled box"


def test_half_of_the_samples_take_a_box_from_another_of_any_area() -> None:
    boxes = draw(4000)
    took = boxes.donors != torch.arange(4000)
    assert float(took.float().mean()) == pytest.approx(0.5, abs=0.03)
    assert len(boxes.donors[took].unique()) > 1500
    top, bottom, left, right = boxes.edges.T
    assert boxes.edges.min() == 0
    assert boxes.edges.max() == 1
    # 1 - lambda is uniform and so is the centre: what is left after the cut has this mean, by integration on a grid.
    half = torch.linspace(0.0005, 0.9995, 1000).sqrt()[:, None] / 2
    centre = torch.linspace(0.0005, 0.9995, 1000)[None]
    side = (centre + half).clamp(max=1) - (centre - half).clamp(min=0)
    expected = side.mean(dim=1).square().mean()
    assert float(((bottom - top) * (right - left)).mean()) == pytest.approx(float(expected), abs=0.02)


def test_a_sample_alone_keeps_what_it_has_and_draws_repeat() -> None:
    images, labels = marked(1)
    assert all(torch.equal(*pair) for pair in zip(apply_boxes(images, labels, draw(1)), (images, labels), strict=True))
    assert torch.equal(draw(7, seed=3).edges, draw(7, seed=3).edges)
    assert not torch.equal(draw(7, seed=3).edges, draw(7, seed=4).edges)
