from __future__ import annotations

import pytest
import torch

from segmint.losses.feature_matching import feature_matching


def test_mean_within_and_sum_over_layers() -> None:
    real = [torch.zeros(2, 3, 4, 4), torch.ones(2, 5, 2, 2)]
    fake = [torch.full((2, 3, 4, 4), 0.5), torch.full((2, 5, 2, 2), -1.0)]
    assert float(feature_matching(real, fake)) == pytest.approx(0.5 + 2)


def test_only_fakes_have_a_gradient() -> None:
    real, fake = torch.randn(1, 2, 3, 3, requires_grad=True), torch.randn(1, 2, 3, 3, requires_grad=True)
    feature_matching([real], [fake]).backward()
    assert real.grad is None
    assert fake.grad is not None
    assert torch.allclose(fake.grad, (fake - real).sign().detach() / 18)


def test_refuses_lists_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="at least one layer"):
        feature_matching([], [])
    with pytest.raises(ValueError, match="longer"):
        feature_matching([torch.zeros(1)], [torch.zeros(1), torch.zeros(1)])
