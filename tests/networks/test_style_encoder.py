from __future__ import annotations

import pytest
import torch

from segmint.networks.style_encoder import StyleEncoder
from segmint.networks.style_generator import StyleSynthesis


def encoder(size: int) -> StyleEncoder:
    widths = {"width_base": 128 if size < 128 else size, "width_maximum": 8}
    synthesis = StyleSynthesis(size=size, image_channels=2, label_maps=0, style_size=5, **widths)
    return StyleEncoder(
        size=size,
        channels=2,
        style_resolutions=synthesis.noise_resolutions,
        style_size=5,
        pyramid_width=4,
        **widths,
    )


@pytest.mark.parametrize(
    ("size", "read"), [(32, [3, 5]), (64, [3, 4, 3]), (128, [3, 4, 5]), (256, [5, 4, 5]), (512, [5, 6, 5])]
)
def test_coarse_styles_are_read_at_coarse_levels(size: int, read: list[int]) -> None:
    """All styles together: one a styled layer, and one for the last output."""
    with torch.device("meta"):
        network = encoder(size)
    assert [head.styles for head in network.heads] == read
    assert sum(read) == 2 * (size.bit_length() - 2) - 1 + 1
    assert network(torch.empty(3, 2, size, size, device="meta")).shape == (3, sum(read), 5)


def test_untrained_it_gives_the_mean_latent_and_every_weight_can_learn() -> None:
    network, images = encoder(32), torch.randn(3, 2, 32, 32)
    assert network(images).abs().max() == 0
    for head in network.heads:
        torch.nn.init.normal_(head.linear.weight)
    network(images).square().sum().backward()
    assert all(p.grad is not None and (p.grad != 0).any() for p in network.parameters())


def test_an_image_is_encoded_alone() -> None:
    network, images = encoder(32), torch.randn(3, 2, 32, 32)
    for head in network.heads:
        torch.nn.init.normal_(head.linear.weight)
    with torch.no_grad():
        together = network(images)
        torch.testing.assert_close(network(images[1:2]), together[1:2], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(together[0], together[1])
