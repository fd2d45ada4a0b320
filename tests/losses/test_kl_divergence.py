from __future__ import annotations

import torch
from torch.distributions import Normal
from torch.distributions import kl_divergence as oracle

from segmint.losses.kl_divergence import kl_divergence


def test_equals_the_divergence_from_the_unit_normal() -> None:
    mean, log_variance = torch.randn(4, 6), torch.randn(4, 6)
    expected = oracle(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum(dim=1).mean()
    assert torch.allclose(kl_divergence(mean, log_variance), expected)


def test_zero_at_the_unit_normal() -> None:
    assert kl_divergence(torch.zeros(2, 3), torch.zeros(2, 3)).item() == 0
