from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from segmint.networks.modulated import StyledLayer, ToOutput
from segmint.networks.resampling import upsample
from segmint.networks.style_generator import StyleGenerator, StyleSynthesis, feature_width


def tiny(*, size: int = 32, image_channels: int = 1, label_maps: int = 3) -> StyleGenerator:
    return StyleGenerator(
        size=size,
        image_channels=image_channels,
        label_maps=label_maps,
        latent_size=8,
        style_size=8,
        width_base=128,
        width_maximum=8,
    )


def full(size: int, *, image_channels: int, label_maps: int) -> StyleGenerator:
    """The published width, without memory."""
    with torch.device("meta"):
        return StyleGenerator(size=size, image_channels=image_channels, label_maps=label_maps)


def noise_for(network: StyleGenerator, n: int, seed: int = 0) -> list[Tensor]:
    generators = [torch.Generator().manual_seed(seed + i) for i in range(n)]
    return network.synthesis.draw_noise(generators, torch.device("cpu"))


def parameter_count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("image_channels", [1, 4])
@pytest.mark.parametrize("label_maps", [0, 2, 5])
def test_output_shapes(size: int, image_channels: int, label_maps: int) -> None:
    network = tiny(size=size, image_channels=image_channels, label_maps=label_maps)
    with torch.no_grad():
        images, logits = network(network.styles(torch.randn(2, 8)), noise_for(network, 2))
    assert images.shape == (2, image_channels, size, size)
    assert logits.shape == (2, label_maps, size, size)
    assert images.dtype == logits.dtype == torch.float32
    assert (network.synthesis.label_head is None) == (label_maps == 0)


@pytest.mark.parametrize("size", [4, 0, 48, 100])
def test_refuses_sizes_that_are_no_power_of_two(size: int) -> None:
    with pytest.raises(ValueError, match=f"power of two of at least 8, not {size}"):
        tiny(size=size)


def test_widths_at_full_capacity() -> None:
    """Configuration F of [Karras 2020]: 32768 / resolution, capped at 512."""
    widths = [feature_width(2**e, base=32768, maximum=512) for e in range(2, 11)]
    assert widths == [512, 512, 512, 512, 512, 256, 128, 64, 32]
    synthesis = full(1024, image_channels=3, label_maps=0).synthesis
    assert [block.second.bias.numel() for block in synthesis.style_blocks] == widths
    assert synthesis.constant.shape == (1, 512, 4, 4)


@pytest.mark.parametrize(("size", "styles"), [(32, 8), (64, 10), (128, 12), (256, 14), (512, 16), (1024, 18)])
def test_number_of_styles(size: int, styles: int) -> None:
    """14 at 256 px and 18 at 1024 px, as in [Karras 2019; 2020]: two a resolution."""
    synthesis = full(size, image_channels=4, label_maps=4).synthesis
    assert synthesis.style_count == styles
    assert synthesis.noise_resolutions == [4] + [2**e for e in range(3, size.bit_length()) for _ in range(2)]


def test_parameter_count_at_full_width() -> None:
    """The published configuration F at 1024 px has 30.37 million parameters."""
    assert parameter_count(full(1024, image_channels=3, label_maps=0)) == 30_370_060


def test_parameter_count_of_the_joint_generator() -> None:
    """Mapping; constant; a styled layer = 9 in out + bias + affine + noise strength; an output = in out + bias + affine."""

    def affine(width: int) -> int:
        return 512 * width + width

    def styled(a: int, b: int) -> int:
        return 9 * a * b + b + affine(a) + 1

    outputs = 4 + 4
    widths = [512, 512, 512, 512, 512, 256, 128]
    expected = 8 * (512 * 512 + 512) + 512 * 16 + styled(512, 512)
    expected += sum(styled(a, b) + styled(b, b) for a, b in pairwise(widths))
    expected += sum(width * outputs + outputs + affine(width) for width in widths)
    expected += 4 * 4 + 4
    assert parameter_count(full(256, image_channels=4, label_maps=4)) == expected


class Recorder:
    """What each module of a kind was given and gave, in order."""

    def __init__(self, network: nn.Module, kind: type[nn.Module]) -> None:
        self.inputs: list[tuple[Any, ...]] = []
        self.outputs: list[Tensor] = []
        for module in network.modules():
            if isinstance(module, kind):
                module.register_forward_hook(self.see)

    def see(self, module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG002
        self.inputs.append(inputs)
        self.outputs.append(output)


def test_which_style_goes_where() -> None:
    """An output shares its style with the first layer of the next resolution [Karras 2020, figure 7b]."""
    network = tiny(size=32)
    layers, outputs = Recorder(network, StyledLayer), Recorder(network, ToOutput)
    styles = torch.arange(8.0)[None, :, None].expand(2, 8, 8)
    with torch.no_grad():
        network(styles, noise_for(network, 2))
    assert [int(given[1][0, 0]) for given in layers.inputs] == [0, 1, 2, 3, 4, 5, 6]
    assert [int(given[1][0, 0]) for given in outputs.inputs] == [1, 3, 5, 7]


def test_the_output_is_the_sum_of_all_resolutions() -> None:
    network = tiny(size=32, image_channels=2, label_maps=3)
    outputs = Recorder(network, ToOutput)
    with torch.no_grad():
        images, logits = network(network.styles(torch.randn(2, 8)), noise_for(network, 2))
    total = torch.zeros(2, 5, 2, 2)
    for output in outputs.outputs:
        total = upsample(total) + output
    assert torch.allclose(images, total[:, :2], atol=1e-6)
    # The 1x1 convolution before the softmax starts as the identity.
    assert torch.allclose(logits, total[:, 2:], atol=1e-6)


def test_label_maps_pass_their_one_by_one_convolution() -> None:
    network = tiny()
    head = network.synthesis.label_head
    assert head is not None
    styles, noise = network.styles(torch.randn(2, 8)), noise_for(network, 2)
    with torch.no_grad():
        _, before = network(styles, noise)
        head.weight.normal_()
        head.bias.normal_()
        _, after = network(styles, noise)
    expected = torch.einsum("kl,nlhw->nkhw", head.weight[:, :, 0, 0], before) + head.bias[:, None, None]
    assert torch.allclose(after, expected, atol=1e-5)


@pytest.mark.parametrize("cutoff", [1, 3, 7, 8])
def test_styles_change_at_the_cutoff(cutoff: int) -> None:
    network = tiny()
    z, other = torch.randn(2, 8), torch.randn(2, 8)
    first, second = network.mapping(z), network.mapping(other)
    mixed = network.mixed_styles(first, second, torch.tensor([cutoff, 4]))
    for layer in range(network.synthesis.style_count):
        assert torch.equal(mixed[0, layer], (first if layer < cutoff else second)[0])
        assert torch.equal(mixed[1, layer], (first if layer < 4 else second)[1])


def test_all_layers_share_one_truncated_style() -> None:
    network = tiny()
    network.mapping.mean_latent.normal_()
    z = torch.randn(3, 8)
    styles = network.styles(z, truncation=0.5)
    assert styles.shape == (3, 8, 8)
    expected = network.mapping.mean_latent + 0.5 * (network.mapping(z) - network.mapping.mean_latent)
    assert all(torch.allclose(styles[:, layer], expected, atol=1e-6) for layer in range(8))
    assert torch.allclose(network.styles(z, truncation=0), network.mapping.mean_latent.expand(3, 8, 8))


def test_noise_of_a_sample_comes_from_its_own_generator() -> None:
    network = tiny()
    both, alone = noise_for(network, 2), noise_for(network, 1, seed=1)
    assert [tuple(m.shape) for m in both] == [(2, 1, r, r) for r in network.synthesis.noise_resolutions]
    assert all(torch.equal(b[1:], a) for b, a in zip(both, alone, strict=True))
    assert not any(torch.equal(b[:1], a) for b, a in zip(both, alone, strict=True))
    largest = both[-1]
    assert float(largest.std()) == pytest.approx(1, abs=0.05)


def test_noise_changes_detail_once_it_has_strength() -> None:
    network = tiny()
    styles = network.styles(torch.randn(1, 8))

    def image(noise: Sequence[Tensor]) -> Tensor:
        with torch.no_grad():
            drawn: Tensor = network(styles, noise)[0]
        return drawn

    assert torch.equal(image(noise_for(network, 1)), image(noise_for(network, 1, seed=5)))
    finest = network.synthesis.style_blocks[-1].second
    nn.init.constant_(finest.noise_strength, 0.5)
    assert not torch.equal(image(noise_for(network, 1)), image(noise_for(network, 1, seed=5)))


def test_a_sample_does_not_depend_on_its_batch() -> None:
    network = tiny()
    styles, noise = network.styles(torch.randn(4, 8)), noise_for(network, 4)
    with torch.no_grad():
        whole, whole_logits = network(styles, noise)
        alone, alone_logits = network(styles[2:3], [m[2:3] for m in noise])
    assert torch.allclose(whole[2:3], alone, atol=1e-5)
    assert torch.allclose(whole_logits[2:3], alone_logits, atol=1e-5)


def test_every_parameter_of_the_synthesis_has_a_gradient() -> None:
    synthesis = StyleSynthesis(size=32, image_channels=1, label_maps=2, style_size=8, width_base=128, width_maximum=8)
    noise = synthesis.draw_noise([torch.Generator().manual_seed(0)], torch.device("cpu"))
    images, logits = synthesis(torch.randn(1, synthesis.style_count, 8), noise)
    (images.square().mean() + logits.square().mean()).backward()
    without = [name for name, p in synthesis.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


def test_autocast_gives_float32_images_near_those_of_float32() -> None:
    network = tiny()
    styles, noise = network.styles(torch.randn(2, 8)), noise_for(network, 2)
    with torch.no_grad():
        expected, _ = network(styles, noise)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            images, _ = network(styles, noise)
    assert images.dtype == torch.float32
    assert (images - expected).abs().max() < 0.05 * expected.abs().max()
