from __future__ import annotations

import pytest
import torch

from segmint.losses.multi_scale_l1 import multi_scale_l1


def test_mean_within_and_over_layers() -> None:
    a = [torch.zeros(2, 1, 4, 4), torch.ones(2, 5, 2, 2)]
    b = [torch.full((2, 1, 4, 4), 0.5), torch.full((2, 5, 2, 2), -1.0)]
    assert float(multi_scale_l1(a, b)) == pytest.approx((0.5 + 2) / 2)
    assert torch.equal(multi_scale_l1(a, b), multi_scale_l1(b, a))


def test_both_have_a_gradient() -> None:
    a, b = torch.randn(1, 2, 3, 3, requires_grad=True), torch.randn(1, 2, 3, 3, requires_grad=True)
    multi_scale_l1([a], [b]).backward()
    assert a.grad is not None
    assert b.grad is not None
    assert torch.allclose(a.grad, -b.grad)
    assert float(a.grad.abs().max()) > 0


def test_refuses_lists_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="at least one layer"):
        multi_scale_l1([], [])
