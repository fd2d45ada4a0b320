from __future__ import annotations

import pytest
import torch

from segmint.networks.mask_reader import MaskReader


@pytest.mark.parametrize(("size", "counts"), [(32, (3,)), (48, (2, 2)), (24, (4, 2, 3))])
def test_gives_an_output_for_every_id_at_full_size(size: int, counts: tuple[int, ...]) -> None:
    reader = MaskReader(2, counts, size)
    assert reader(torch.rand(2, 2, size, size)).shape == (2, sum(counts), size, size)
    assert reader(torch.rand(1, 2, 2 * size, 4 * size)).shape == (1, sum(counts), 2 * size, 4 * size)


def test_right_logits_cost_nothing_and_wrong_ones_do() -> None:
    reader = MaskReader(1, (3, 2), 16)
    generator = torch.Generator().manual_seed(0)
    masks = torch.stack([torch.randint(count, (2, 16, 16), generator=generator) for count in (3, 2)], dim=1)
    parts = [torch.nn.functional.one_hot(masks[:, i], count) for i, count in enumerate((3, 2))]
    logits = torch.cat(parts, dim=-1).movedim(-1, 1) * 40.0
    assert float(reader.loss(logits, masks)) == pytest.approx(0, abs=1e-3)
    swapped = masks.clone()
    swapped[:, 1] = 1 - swapped[:, 1]
    assert float(reader.loss(logits, swapped)) > 5


def test_learns_to_read() -> None:
    torch.manual_seed(0)
    reader = MaskReader(1, (2,), 16)
    images = torch.rand(8, 1, 16, 16) * 2 - 1
    images = torch.nn.functional.avg_pool2d(images, 5, 1, 2) * 4
    masks = (images > 0).long()
    optimizer = torch.optim.AdamW(reader.parameters(), lr=0.01)
    losses = []
    for _ in range(30):
        loss = reader.loss(reader(images), masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
