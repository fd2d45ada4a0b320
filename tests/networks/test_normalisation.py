from __future__ import annotations

import pytest
import torch
from torch import nn

from segmint.networks.normalisation import Normalisation, instance_normalise, normalisation


def changed(layer: Normalisation) -> Normalisation:
    """Scale and shift that are not those of the start."""
    with torch.no_grad():
        layer.weight.uniform_(0.5, 2)
        layer.bias.normal_()
    return layer


def test_batch_statistics_in_training() -> None:
    layer, oracle = changed(Normalisation(5, "batch")), nn.BatchNorm2d(5, track_running_stats=False)
    oracle.load_state_dict(layer.state_dict())
    x = torch.randn(3, 5, 4, 6) * 3 + 1
    assert torch.allclose(layer(x), oracle(x), atol=1e-5)


@pytest.mark.parametrize("kind", ["batch", "instance"])
def test_instance_statistics_in_evaluation(kind: str) -> None:
    layer = changed(Normalisation(5, kind)).eval()  # type: ignore[arg-type]
    oracle = nn.InstanceNorm2d(5, affine=True)
    oracle.load_state_dict(layer.state_dict())
    x = torch.randn(3, 5, 4, 6) * 3 + 1
    assert torch.allclose(layer(x), oracle(x), atol=1e-5)


def test_instance_statistics_also_in_training() -> None:
    layer = changed(Normalisation(5, "instance"))
    x = torch.randn(3, 5, 4, 6)
    assert torch.equal(layer.train()(x), layer.eval()(x))


def test_a_batch_of_one_is_its_own_instance() -> None:
    layer = changed(Normalisation(5, "batch"))
    x = torch.randn(1, 5, 4, 6)
    assert torch.equal(layer.train()(x), layer.eval()(x))


def test_keeps_channels_last() -> None:
    x = torch.randn(3, 8, 4, 4).contiguous(memory_format=torch.channels_last)
    assert instance_normalise(x).is_contiguous(memory_format=torch.channels_last)
    assert Normalisation(8, "batch")(x).is_contiguous(memory_format=torch.channels_last)


def test_one_value_has_no_statistics() -> None:
    with pytest.raises(ValueError, match="more than 1 value"):
        Normalisation(3, "instance")(torch.randn(2, 3, 1, 1))


def test_none_changes_nothing() -> None:
    x = torch.randn(2, 3, 4, 4)
    assert normalisation(3, "none")(x) is x
    assert not list(normalisation(3, "none").parameters())
