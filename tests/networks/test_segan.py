from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from segmint.networks.segan import GLOBAL_KERNEL, Critic, GlobalConvolution, Segmentor, block_count
from segmint.networks.self_attention import SelfAttention


@pytest.mark.parametrize(("size", "blocks"), [(16, 2), (31, 2), (32, 3), (48, 3), (64, 4), (160, 4), (512, 4)])
def test_small_images_are_halved_less_often(size: int, blocks: int) -> None:
    assert block_count(size) == blocks


def test_refuses_tiny_images() -> None:
    with pytest.raises(ValueError, match="at least 16 pixels, not 15"):
        Segmentor(size=15, inputs=1, outputs=1)


def test_published_layers() -> None:
    """7x7, 5x5, 5x5, 5x5 of stride 2, in both networks."""
    for network in (Segmentor(size=64, inputs=3, outputs=1), Critic(size=64, channels=3)):
        strided = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.stride == (2, 2)]
        assert [m.kernel_size for m in strided] == [(7, 7), (5, 5), (5, 5), (5, 5)]
        assert [m.out_channels for m in strided] == [64, 128, 256, 512]
        assert any(isinstance(m, GlobalConvolution) for m in network.modules())
        assert not any(isinstance(m, nn.ConvTranspose2d) for m in network.modules())
    critic: Any = Critic(size=64, channels=3)
    assert isinstance(critic.blocks[0][0].norm, nn.Identity), "the first layer is not normalised"


def test_a_global_convolution_sees_a_large_square() -> None:
    layer = GlobalConvolution(1, 2, bias=True)
    image = torch.zeros(1, 1, 21, 21, requires_grad=True)
    layer(image)[..., 10, 10].sum().backward()
    assert image.grad is not None
    seen = image.grad[0, 0] != 0
    radius = GLOBAL_KERNEL // 2
    assert seen.nonzero().amin(dim=0).tolist() == [10 - radius] * 2
    assert seen.nonzero().amax(dim=0).tolist() == [10 + radius] * 2
    assert int(seen.sum()) == GLOBAL_KERNEL**2


@pytest.mark.parametrize("attention", [False, True])
@pytest.mark.parametrize("size", [16, 32, 64])
def test_segmentor_takes_images_of_any_sides(size: int, attention: bool) -> None:
    network = Segmentor(size=size, inputs=2, outputs=3, width=0.1, attention=attention).eval()
    sides: list[torch.Size] = []
    for module in network.modules():
        if isinstance(module, SelfAttention):
            module.register_forward_hook(lambda _, inputs, __: sides.append(inputs[0].shape[2:]))
    for height, width in ((size, size), (45, 70)):
        logits = network(torch.randn(1, 2, height, width))
        assert logits.shape == (1, 3, height, width)
        assert logits.dtype == torch.float32
    assert sides == ([torch.Size((size // 4, size // 4)), torch.Size((12, 18))] if attention else [])


def test_batch_normalisation_keeps_running_statistics() -> None:
    """In evaluation mode a prediction does not depend on its batch."""
    network, images = Segmentor(size=32, inputs=1, outputs=1, width=0.1), torch.randn(4, 1, 32, 32)
    network(images)
    assert any(name.endswith("running_mean") for name in network.state_dict())
    network.eval()
    assert torch.allclose(network(images)[1:2], network(images[1:2]), atol=1e-5)
    instance = Segmentor(size=32, inputs=1, outputs=1, width=0.1, norm="instance")
    assert torch.allclose(instance(images)[1:2], instance(images[1:2]), atol=1e-5)


@pytest.mark.parametrize("attention", [False, True])
def test_the_masked_image_is_the_critics_first_scale(attention: bool) -> None:
    masked = torch.rand(2, 6, 64, 64)
    features = Critic(size=64, channels=6, width=0.1, attention=attention)(masked)
    assert torch.equal(features[0], masked)
    assert [tuple(f.shape[1:]) for f in features] == [(6, 64, 64), (6, 32, 32), (13, 16, 16), (26, 8, 8), (51, 4, 4)]
