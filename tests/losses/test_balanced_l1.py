from __future__ import annotations

import pytest
import torch

from segmint.losses.balanced_l1 import balanced_l1


def test_every_label_counts_alike() -> None:
    labels = torch.zeros(2, 3, 8, 8)
    labels[:, 0], labels[0, 0, 3, 3], labels[0, 1, 3, 3] = 1, 0, 1
    reals, fakes = torch.zeros(2, 2, 8, 8), torch.zeros(2, 2, 8, 8)
    fakes[0, :, 3, 3] = 0.6
    assert float(balanced_l1(fakes, reals, labels)) == pytest.approx(0.3), "half of the labels are off by 0.6"
    assert float((fakes - reals).abs().mean()) == pytest.approx(0.6 / 128)


def test_is_the_mean_where_one_label_fills_all() -> None:
    fakes, reals = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8)
    labels = torch.zeros(2, 4, 8, 8)
    labels[:, 2] = 1
    assert torch.allclose(balanced_l1(fakes, reals, labels), (fakes - reals).abs().mean())


def test_has_a_gradient_and_no_nan_for_absent_labels() -> None:
    fakes = torch.randn(1, 1, 4, 4, requires_grad=True)
    labels = torch.zeros(1, 2, 4, 4)
    labels[:, 0] = 1
    balanced_l1(fakes, torch.zeros(1, 1, 4, 4), labels).backward()
    assert fakes.grad is not None
    assert torch.isfinite(fakes.grad).all()
    assert fakes.grad.abs().sum() > 0
