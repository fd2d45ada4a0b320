from __future__ import annotations

import copy

import pytest
import torch
from torch.nn import functional as F

from segmint.networks.multi_scale_discriminator import MultiScaleDiscriminator


def test_three_published_discriminators_of_70_pixels() -> None:
    """256, 128 and 64 px, C64-C128-C256-C512 each."""
    with torch.device("meta"):
        network = MultiScaleDiscriminator(channels=3)
    assert len(network.discriminators) == 3
    for discriminator in network.discriminators:
        assert discriminator.receptive_field == 70
        assert [block.convolution.out_channels for block in discriminator.blocks] == [64, 128, 256, 512]
    assert network.logit_sides(256) == [30, 14, 6]
    judgements = network(torch.empty(1, 3, 256, 256, device="meta"))
    assert [tuple(logits.shape) for logits, _ in judgements] == [(1, 1, 30, 30), (1, 1, 14, 14), (1, 1, 6, 6)]
    assert [len(features) for _, features in judgements] == [4, 4, 4]


def test_each_judges_the_averaged_image_with_weights_of_its_own() -> None:
    network = MultiScaleDiscriminator(channels=2, width=1 / 16)
    x = torch.randn(2, 2, 128, 128)
    for i, (logits, _) in enumerate(network(x)):
        small = F.avg_pool2d(x, 2**i) if i else x
        assert torch.allclose(logits, network.discriminators[i](small)[0], atol=1e-6)
    names = list(network.state_dict())
    assert len(names) == len(set(names)) == 3 * len(network.discriminators[0].state_dict())
    assert torch.equal(copy.deepcopy(network)(x)[2][0], network(x)[2][0])


def test_attention_in_each() -> None:
    network = MultiScaleDiscriminator(channels=1, width=1 / 16, scales=2, attention=[1], spectral=True, norm="none")
    assert [list(d.attention) for d in network.discriminators] == [["1"], ["1"]]
    assert network(torch.zeros(1, 1, 64, 64))[1][0].shape == (1, 1, 2, 2)


def test_refuses_images_too_small_for_the_last_scale() -> None:
    network = MultiScaleDiscriminator(channels=1, width=1 / 16)
    with pytest.raises(ValueError, match="64 x 64 pixels are too few for 3 scales"):
        network(torch.zeros(1, 1, 64, 64))
    assert len(MultiScaleDiscriminator(channels=1, width=1 / 16, scales=2)(torch.zeros(1, 1, 64, 64))) == 2
