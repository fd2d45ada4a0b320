from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from segmint.errors import UserError
from segmint.recipes.contract import PairStage
from segmint.synthesis.draw import PairSampler


class RareSquares(PairStage):
    """Draws label 1 in a tenth of its pairs."""

    name = "squares"

    def draw(self, generators: Sequence[torch.Generator], *, truncation: float = 1.0) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        present = torch.stack([torch.rand(1, generator=g) < 0.1 for g in generators]).float()
        maps = torch.zeros(len(generators), 2, 8, 8)
        maps[:, 1, 2:5, 2:5] = present[:, :, None]
        maps[:, 0] = 0.5
        return maps[:, 1:], maps


def sampler(balance: tuple[int, float] | None) -> PairSampler:
    return PairSampler(RareSquares(), checkpoint_sha256="", images_shown=0, balance=balance)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_pairs_are_drawn_until_the_share_is_met(share: float) -> None:
    drawn = sampler((1, share)).draw(40, seed=0)
    assert (drawn.labels == 1).any(axis=(1, 2)).sum() == round(40 * share)
    assert np.array_equal(sampler((1, share)).draw(5, seed=0, first=10).labels, drawn.labels[10:15])
    # Image and label map stay together.
    assert np.array_equal(drawn.images[:, 0] > 0, drawn.labels == 1)


def test_without_a_balance_shares_are_the_generators() -> None:
    drawn = sampler(None).draw(200, seed=0)
    assert 0.03 < (drawn.labels == 1).any(axis=(1, 2)).mean() < 0.2


def test_a_label_that_is_never_drawn_is_said() -> None:
    with pytest.raises(UserError, match="no pair with label 2 was drawn"):
        sampler((2, 1.0)).draw(1, seed=0)
