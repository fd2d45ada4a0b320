"""CutMix for segmentation: a box of another sample of the batch, image and ids together [Yun 2019; French 2020]."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

PROBABILITY = 0.5


@dataclass(frozen=True)
class Boxes:
    """What each of N samples takes from another.

    Attributes:
        donors: int64 [N], number of the sample that is taken from; its own where nothing is.
        edges: [N, 4], top, bottom, left and right of the box in shares of the side, 0 to 1; the box may be empty.
    """

    donors: Tensor
    edges: Tensor


def draw_boxes(n: int, *, generator: torch.Generator, device: torch.device) -> Boxes:
    """Draw for `n` samples; half of them take a box, of any area with equal chance, cut off where it leaves the image.

    The box has the image's shape, a share 1 - lambda of its area with lambda from Beta(1, 1), and its centre anywhere [Yun
    2019, section 3.1]. A sample alone in its batch takes nothing.
    """

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, device=generator.device)

    happens, others, half = uniform(n) < PROBABILITY, (uniform(n) * (n - 1)).long(), (1 - uniform(n)).sqrt() / 2
    centres, own = uniform(n, 2), torch.arange(n, device=generator.device)
    donors = torch.where(happens & (n > 1), (own + 1 + others) % n, own)
    edges = torch.stack([centres - half[:, None], centres + half[:, None]], dim=2).flatten(1).clamp(0, 1)
    return Boxes(donors.to(device), edges.to(device))


def apply_boxes(images: Tensor, labels: Tensor, boxes: Boxes) -> tuple[Tensor, Tensor]:
    """Images [N, C, H, W] and ids [N, H, W] with the boxes of their donors, edges at the nearest pixel."""
    height, width = labels.shape[1:]
    top, bottom, left, right = (boxes.edges * boxes.edges.new_tensor([height, height, width, width])).round().T
    rows = torch.arange(height, device=labels.device)[None]
    columns = torch.arange(width, device=labels.device)[None]
    down = (rows >= top[:, None]) & (rows < bottom[:, None])
    across = (columns >= left[:, None]) & (columns < right[:, None])
    inside = down[:, :, None] & across[:, None, :]
    return (
        torch.where(inside[:, None], images[boxes.donors], images),
        torch.where(inside, labels[boxes.donors], labels),
    )
