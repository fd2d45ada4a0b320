from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from segmint.networks.style_features import StyleFeatures
from segmint.networks.style_generator import StyleGenerator


def generated(n: int = 2, *, label_maps: int = 0) -> tuple[StyleGenerator, Tensor, list[Tensor]]:
    network = StyleGenerator(
        size=32, image_channels=1, label_maps=label_maps, latent_size=8, style_size=8, width_base=128, width_maximum=8
    )
    noise = network.synthesis.draw_noise([torch.Generator().manual_seed(i) for i in range(n)], torch.device("cpu"))
    return network, network.styles(torch.randn(n, 8)), noise


def upsampled(maps: list[Tensor], size: int) -> Tensor:
    """The plain way: every map at full size, [N, pixels, features]."""
    whole = [F.interpolate(one, size=size, mode="bilinear", align_corners=False) for one in maps]
    return torch.cat(whole, dim=1).flatten(2).transpose(1, 2)


def test_the_image_is_the_same_with_features() -> None:
    network, styles, noise = generated()
    with torch.no_grad():
        images, maps = network.synthesis.with_features(styles, noise)
        assert torch.equal(images, network(styles, noise)[0])
    assert [one.shape[-1] for one in maps] == network.synthesis.noise_resolutions == [4, 8, 8, 16, 16, 32, 32]
    assert len({one.data_ptr() for one in maps}) == len(maps)


def test_features_are_those_of_upsampled_maps() -> None:
    network, styles, noise = generated()
    with torch.no_grad():
        _, maps = network.synthesis.with_features(styles, noise)
    features, expected = StyleFeatures(maps, size=32), upsampled(maps, 32)
    assert features.width == expected.shape[-1]
    pixels = torch.randint(32 * 32, (2, 50))
    found = features.at(pixels)
    for image in range(2):
        torch.testing.assert_close(found[image], expected[image, pixels[image]], rtol=1e-4, atol=1e-5)


def test_blocks_cover_every_pixel_once_and_one_layer_can_be_had_alone() -> None:
    maps = [torch.randn(1, 3, 4, 4), torch.randn(1, 2, 8, 8)]
    features = StyleFeatures(maps, size=8)
    blocks = list(features.blocks(24))
    assert [part for part, _ in blocks] == [slice(0, 24), slice(24, 48), slice(48, 64)]
    together = torch.cat([block for _, block in blocks], dim=1)
    torch.testing.assert_close(together, upsampled(maps, 8), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(features.layers([1]).at(torch.arange(64)[None]), together[..., 3:], rtol=0, atol=0)


def test_maps_of_different_images_are_refused() -> None:
    with pytest.raises(ValueError, match="feature maps"):
        StyleFeatures([torch.randn(1, 3, 4, 4), torch.randn(2, 2, 8, 8)], size=8)
    with pytest.raises(ValueError, match="feature maps"):
        StyleFeatures([], size=8)
