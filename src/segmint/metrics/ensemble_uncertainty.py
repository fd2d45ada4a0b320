"""What an ensemble agrees on, and where it does not."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

NAME, DIRECTION = "jensen_shannon", "lower"
# The share of an image's pixels that stands for it where it is scored by its least certain ones.
LEAST_CERTAIN = 0.1


def vote_shares(probabilities: Tensor) -> Tensor:
    """Share of the members that give each label most: [N, members, K, ...] -> [N, K, ...], summing to one.

    The largest share is the majority vote; of equal ones the label with the smaller id wins, as does a member's.
    """
    votes = probabilities.argmax(dim=2)
    return F.one_hot(votes, probabilities.shape[2]).movedim(-1, 2).float().mean(dim=1)


def jensen_shannon(probabilities: Tensor) -> Tensor:
    """Jensen-Shannon divergence of the members' label probabilities, in nats: [N, members, K, ...] -> [N, ...].

    The entropy of the mean less the mean of the entropies [Lin 1991; Zhang 2021, section 3.3]: 0 where all members say the
    same, at most log(min(members, K)).
    """
    difference = _entropy(probabilities.mean(dim=1), dim=1) - _entropy(probabilities, dim=2).mean(dim=1)
    return difference.clamp(0, math.log(min(probabilities.shape[1:3])))


def image_sum(uncertainty: Tensor) -> Tensor:
    """[N, H, W] -> [N]: summed over the pixels, as published."""
    return uncertainty.flatten(1).sum(dim=1)


def image_tenth(uncertainty: Tensor) -> Tensor:
    """[N, H, W] -> [N]: mean of the most uncertain tenth of the pixels (at least one)."""
    pixels = uncertainty.flatten(1)
    return pixels.topk(max(1, round(LEAST_CERTAIN * pixels.shape[1])), dim=1).values.mean(dim=1)


def disagreement(probabilities: Tensor) -> Tensor:
    """1 - mean Dice of the label maps of any two members: [N, members, K, H, W] -> [N] in [0, 1].

    The mean is over pairs of members and then over the labels, background aside, that any member gives: structure-wise
    uncertainty by pairwise Dice [Roy 2019, section 2.4]. Two members neither of which gives a label agree on it; 0 where
    no member gives any. It does not grow with the area or the outline of what is labelled, as sums over pixels do.
    """
    chosen = probabilities.argmax(dim=2).flatten(2)
    count = chosen.shape[1]
    pairs = torch.ones(count, count, dtype=torch.bool, device=chosen.device).triu(1)
    total, given = chosen.new_zeros(len(chosen), dtype=torch.float32), chosen.new_zeros(len(chosen))
    for label in range(1, probabilities.shape[2]):
        held = (chosen == label).float()
        area = held.sum(dim=2)
        both = area[:, :, None] + area[:, None, :]
        dice = torch.where(both > 0, 2 * held @ held.mT / both.clamp(min=1), 1.0)[:, pairs].mean(dim=1)
        seen = (area > 0).any(dim=1)
        total += torch.where(seen, 1 - dice, 0.0)
        given += seen
    return total / given.clamp(min=1)


def _entropy(probabilities: Tensor, *, dim: int) -> Tensor:
    entropy: Tensor = -torch.special.xlogy(probabilities, probabilities).sum(dim=dim)
    return entropy
