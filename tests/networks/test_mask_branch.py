from __future__ import annotations

import pytest
import torch
from torch import Tensor

from segmint.networks.mask_branch import BranchedStyleGenerator
from segmint.networks.resampling import upsample


@pytest.fixture
def made() -> tuple[BranchedStyleGenerator, Tensor, list[Tensor]]:
    network = BranchedStyleGenerator(
        size=16, image_channels=2, label_maps=3, latent_size=8, style_size=8, width_base=128, width_maximum=8
    )
    noise = network.synthesis.draw_noise([torch.Generator().manual_seed(i) for i in range(2)], torch.device("cpu"))
    return network, torch.randn(2, network.synthesis.style_count, 8), noise


def gradients(network: torch.nn.Module) -> dict[str, bool]:
    """Whether each parameter has a gradient that is not zero."""
    return {name: p.grad is not None and bool((p.grad != 0).any()) for name, p in network.named_parameters()}


def test_the_image_is_that_of_the_trunk_alone(made: tuple[BranchedStyleGenerator, Tensor, list[Tensor]]) -> None:
    network, styles, noise = made
    with torch.no_grad():
        images, logits = network(styles, noise)
        assert torch.equal(images, network.synthesis(styles, noise)[0])
    assert (images.shape, logits.shape) == ((2, 2, 16, 16), (2, 3, 16, 16))
    assert network.synthesis.label_head is None


def test_masks_are_the_sum_over_resolutions(made: tuple[BranchedStyleGenerator, Tensor, list[Tensor]]) -> None:
    """Each to-mask layer reads the features and takes the style of the to-image layer beside it."""
    network, styles, noise = made
    with torch.no_grad():
        _, maps = network.synthesis.with_features(styles, noise)
        four, eight, sixteen = network.mask_branch.outputs
        expected = upsample(upsample(four(maps[0], styles[:, 1])) + eight(maps[2], styles[:, 3]))
        expected = expected + sixteen(maps[4], styles[:, 5])
        torch.testing.assert_close(network(styles, noise)[1], expected)


def test_images_tell_the_mask_branch_nothing(made: tuple[BranchedStyleGenerator, Tensor, list[Tensor]]) -> None:
    network, styles, noise = made
    network(styles, noise)[0].sum().backward()
    assert not any(found for name, found in gradients(network).items() if name.startswith("mask_branch"))


@pytest.mark.parametrize("cut", [False, True])
def test_how_far_the_gradient_of_masks_goes(
    made: tuple[BranchedStyleGenerator, Tensor, list[Tensor]], *, cut: bool
) -> None:
    network, _, noise = made
    styles = network.styles(torch.randn(2, 8))
    network(styles, noise, cut_masks=cut)[1].square().sum().backward()
    for name, found in gradients(network).items():
        if name.startswith("mask_branch"):
            assert found, name
        elif cut or "to_output" in name:
            assert not found, name
        elif "noise_strength" not in name:
            assert found, name
