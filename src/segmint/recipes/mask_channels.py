"""Label map and condition maps as the channels a network sees, and back."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def one_hot_masks(masks: Tensor, counts: Sequence[int]) -> Tensor:
    """Ids [N, M, H, W] of maps with `counts` ids -> one-hot channels [N, sum(counts), H, W], float32 in {0, 1}."""
    if not counts:
        return masks.new_zeros(len(masks), 0, *masks.shape[2:]).float()
    return torch.cat([F.one_hot(masks[:, i], k).movedim(-1, 1) for i, k in enumerate(counts)], dim=1).float()


def softmax_masks(logits: Tensor, counts: Sequence[int]) -> Tensor:
    """Logits [N, sum(counts), H, W] -> probabilities, each map's channels summing to one."""
    if not counts:
        return logits.float()
    return torch.cat([part.float().softmax(dim=1) for part in torch.split(logits, list(counts), dim=1)], dim=1)


def padded_to(maps: Tensor, multiple: int) -> Tensor:
    """Maps [N, C, H, W] with the lower and right borders repeated until both sides are multiples."""
    height, width = maps.shape[2:]
    return F.pad(maps, (0, -width % multiple, 0, -height % multiple), mode="replicate")


def hard_masks(channels: Tensor, counts: Sequence[int]) -> Tensor:
    """Channels [N, sum(counts), H, W] -> ids int64 [N, M, H, W], the largest channel of each map."""
    return torch.stack([part.argmax(dim=1) for part in torch.split(channels, list(counts), dim=1)], dim=1)
