from __future__ import annotations

import torch

from segmint.networks.value_range import clip_to_range


def test_clips_as_clamp_does() -> None:
    x = torch.linspace(-3, 3, 61)
    assert torch.equal(clip_to_range(x), x.clamp(-1, 1))


def test_outside_only_steps_back_to_the_range_have_a_gradient() -> None:
    x = torch.tensor([-2.0, -2.0, 0.5, 0.5, 2.0, 2.0], requires_grad=True)
    # A descent step moves against the gradient.
    gradient = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    clip_to_range(x).backward(gradient)
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, -1.0, 1.0, -1.0, 1.0, 0.0]


def test_a_value_outside_comes_back() -> None:
    x = torch.tensor([-4.0, 4.0], requires_grad=True)
    optimizer = torch.optim.SGD([x], lr=0.5)
    for _ in range(50):
        optimizer.zero_grad()
        (clip_to_range(x) - torch.tensor([0.25, 0.25])).abs().sum().backward()
        optimizer.step()
    assert (x - 0.25).abs().max() <= 0.5
