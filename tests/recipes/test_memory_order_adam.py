"""Adam in the order of memory is torch's fused Adam."""

from __future__ import annotations

import torch
from torch import nn
from torch.profiler import profile

from segmint.recipes.memory_order_adam import MemoryOrderAdam

SETTINGS = {"lr": 0.01, "betas": (0.5, 0.999)}


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 8, 4), nn.ConvTranspose2d(8, 1, 3), nn.Conv2d(1, 5, 1), nn.Linear(2, 2))
    return layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def train(optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter]) -> None:
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        for parameter in parameters:
            parameter.grad = torch.empty_like(parameter).copy_(torch.randn(parameter.shape, generator=generator))
        optimizer.step()


def test_weights_and_state_are_those_of_torch() -> None:
    mine, theirs = list(network().parameters()), list(network().parameters())
    start = [parameter.detach().clone() for parameter in mine]
    optimizer, reference = MemoryOrderAdam(mine, **SETTINGS), torch.optim.Adam(theirs, fused=True, **SETTINGS)
    train(optimizer, mine)
    train(reference, theirs)
    for parameter, expected, before in zip(mine, theirs, start, strict=True):
        assert torch.equal(parameter, expected)
        assert not torch.equal(parameter, before)
        assert parameter.stride() == expected.stride()
        for name, value in reference.state[expected].items():
            assert torch.equal(optimizer.state[parameter][name], value)
            assert optimizer.state[parameter][name].stride() == value.stride()


def test_channels_last_gradients_are_not_copied() -> None:
    parameters = list(network().parameters())
    optimizer = MemoryOrderAdam(parameters, **SETTINGS)
    train(optimizer, parameters)
    with profile() as recorded:
        optimizer.step()
    assert "aten::clone" not in {event.key for event in recorded.key_averages()}


def test_a_parameter_without_gradient_stays() -> None:
    still, moving = nn.Parameter(torch.ones(2, 3, 4, 5)), nn.Parameter(torch.ones(2, 3))
    moving.grad = torch.ones(2, 3)
    MemoryOrderAdam([still, moving], **SETTINGS).step()
    assert (still == 1).all()
    assert (moving < 1).all()
