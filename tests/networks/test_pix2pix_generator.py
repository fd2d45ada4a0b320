from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn import functional as F

from segmint.networks.convolution import convolution
from segmint.networks.normalisation import Normalisation
from segmint.networks.pix2pix_generator import Pix2PixGenerator, block_count, decoder_widths, encoder_widths

CPU = torch.device("cpu")


def tiny(size: int = 32, **settings: Any) -> Pix2PixGenerator:
    return Pix2PixGenerator(**{"size": size, "inputs": 2, "outputs": 1, "width": 1 / 16, **settings})


def published(size: int = 256, **settings: Any) -> Pix2PixGenerator:
    """The published widths, without memory."""
    with torch.device("meta"):
        return Pix2PixGenerator(**{"size": size, "inputs": 3, "outputs": 3, **settings})


def condition(n: int, side: int = 32, seed: int = 0) -> Tensor:
    ids = torch.randint(2, (n, side // 4, side // 4), generator=torch.Generator().manual_seed(seed))
    ids = ids.repeat_interleave(4, dim=1).repeat_interleave(4, dim=2)
    return F.one_hot(ids, 2).permute(0, 3, 1, 2).float()


def seeded(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def convolutions(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d))]


# -- as published ----------------------------------------------------------------------------------------------------


def test_published_encoder() -> None:
    """C64-C128-C256-C512-C512-C512-C512-C512."""
    layers = [block.convolution for block in published().encoder]
    assert [layer.out_channels for layer in layers] == [64, 128, 256, 512, 512, 512, 512, 512]
    assert all(isinstance(layer, nn.Conv2d) for layer in layers)


def test_published_decoder() -> None:
    """CD512-CD1024-CD1024-C1024-C1024-C512-C256-C128 are the input widths with skips; seven blocks and a last layer."""
    network = published()
    layers = [*(block.convolution for block in network.decoder), network.last]
    assert len(network.decoder) == 7
    assert [layer.in_channels for layer in layers] == [512, 1024, 1024, 1024, 1024, 512, 256, 128]
    assert list(network.decoder_inputs) == [512, 1024, 1024, 1024, 1024, 512, 256, 128]
    assert [layer.out_channels for layer in layers] == [512, 512, 512, 512, 256, 128, 64, 3]
    assert all(isinstance(layer, nn.ConvTranspose2d) for layer in layers)


def test_all_kernels_are_4x4_of_stride_2() -> None:
    for layer in convolutions(published()):
        assert layer.kernel_size == (4, 4)
        assert layer.stride == (2, 2)
        assert layer.padding == (1, 1)


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_all_blocks_but_first_and_last_of_the_encoder_are_normalised(norm: str) -> None:
    network = published(norm=norm)
    kinds = [getattr(block.normalisation, "kind", None) for block in network.encoder]
    assert kinds == [None, *[norm] * 6, None]
    assert [block.normalisation.kind for block in network.decoder] == [norm] * 7
    assert not [module for module in published(norm="none").modules() if isinstance(module, Normalisation)]


def test_dropout_in_the_first_three_decoder_blocks() -> None:
    network = published()
    assert network.dropout_shapes() == [(512, 2, 2), (512, 4, 4), (512, 8, 8)]
    assert network.dropout == 0.5


def test_parameter_count() -> None:
    """Weights of 16 in out a layer, a bias where nothing is normalised, scale and shift where something is."""
    encoder = [3, 64, 128, 256, 512, 512, 512, 512, 512]
    expected = sum(16 * a * b for a, b in pairwise(encoder)) + 64 + 512 + 2 * (128 + 256)
    expected += 2 * 4 * 512
    inputs, outputs = [512, 1024, 1024, 1024, 1024, 512, 256, 128], [512, 512, 512, 512, 256, 128, 64, 3]
    expected += sum(16 * a * b for a, b in zip(inputs, outputs, strict=True)) + 3 + 2 * sum(outputs[:-1])
    assert sum(parameter.numel() for parameter in published().parameters()) == expected


def test_initial_weights() -> None:
    layer = convolution(64, 64, 4)
    assert float(layer.weight.detach().std()) == pytest.approx(0.02, rel=0.02)
    assert float(layer.bias.detach().abs().max()) == 0


# -- sizes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "blocks"), [(512, 8), (256, 8), (128, 7), (64, 6), (32, 5), (16, 4), (8, 3), (192, 6), (96, 5), (48, 4)]
)
def test_blocks_by_size(size: int, blocks: int) -> None:
    assert block_count(size) == len(encoder_widths(size)) == len(decoder_widths(size)) + 1 == blocks


def test_widths_of_smaller_images() -> None:
    assert encoder_widths(64) == (64, 128, 256, 512, 512, 512)
    assert decoder_widths(64) == (512, 512, 256, 128, 64)
    assert encoder_widths(64, 0.25) == (16, 32, 64, 128, 128, 128)


@pytest.mark.parametrize("size", [4, 100, 33, 0])
def test_refuses_sizes_that_cannot_be_halved(size: int) -> None:
    with pytest.raises(ValueError, match=f"multiple of 8, not {size}"):
        block_count(size)


@pytest.mark.parametrize("size", [8, 16, 32, 64, 96, 256])
def test_output_shape_and_range(size: int) -> None:
    network = tiny(size, outputs=3)
    keep = network.draw_batch_keep(2, seeded(0)[0], CPU)
    images = network(condition(2, size), keep)
    assert images.shape == (2, 3, size, size)
    assert images.dtype == torch.float32
    assert float(images.detach().abs().max()) <= 1


def test_refuses_what_does_not_fit() -> None:
    network = tiny()
    with pytest.raises(ValueError, match="multiples of 32, not 40 x 32"):
        network(torch.zeros(1, 2, 40, 32), [])
    with pytest.raises(ValueError, match="dropout masks must have shapes"):
        network(torch.zeros(1, 2, 64, 64), network.draw_keep(seeded(0), CPU))
    with pytest.raises(ValueError, match="4 decoder blocks, not 2"):
        tiny(encoder=[4] * 5, decoder=[4] * 2)
    with pytest.raises(ValueError, match=r"attention at \[5\] pixels"):
        tiny(attention=[5, 8])


# -- dropout as noise ------------------------------------------------------------------------------------------------


def test_a_sample_depends_on_its_condition_and_generator_alone() -> None:
    """Norm "batch" too: at sampling its statistics are those of each sample."""
    network = tiny(norm="batch").eval()
    x = condition(4)
    with torch.no_grad():
        together = network(x, network.draw_keep(seeded(0, 1, 2, 3), CPU))
        alone = network(x[2:3], network.draw_keep(seeded(2), CPU))
        beside = network(x[[2, 0]], network.draw_keep(seeded(2, 7), CPU))
    assert torch.allclose(together[2], alone[0], atol=1e-6)
    assert torch.allclose(together[2], beside[0], atol=1e-6)


def test_the_noise_changes_the_image() -> None:
    network = tiny().eval()
    x = condition(1).expand(2, -1, -1, -1)
    with torch.no_grad():
        first, second = network(x, network.draw_keep(seeded(0, 1), CPU))
        plain = network(x, [])
    assert (first - second).abs().max() > 1e-4
    assert torch.allclose(plain[0], plain[1], atol=1e-6)


def test_the_same_generator_gives_the_same_image() -> None:
    network = tiny()
    x = condition(2)
    first = network(x, network.draw_batch_keep(2, seeded(5)[0], CPU))
    assert torch.equal(first, network(x, network.draw_batch_keep(2, seeded(5)[0], CPU)))


def test_batch_statistics_in_training() -> None:
    network = tiny()
    x = condition(4)
    assert not torch.allclose(network(x, [])[:1], network(x[:1], []), atol=1e-5)


# -- whole large images ----------------------------------------------------------------------------------------------


def test_paints_images_larger_than_those_of_training() -> None:
    network = tiny(32).eval()
    keep = network.draw_keep(seeded(0), CPU, height=64, width=96)
    with torch.no_grad():
        images = network(torch.rand(1, 2, 64, 96), keep)
    assert images.shape == (1, 1, 64, 96)


def chequers(network: Pix2PixGenerator) -> float:
    """How far even and odd pixels differ in what one label everywhere is painted as, far from the borders."""
    flat = torch.zeros(1, 2, 256, 256)
    flat[:, 0] = 1
    with torch.no_grad():
        image = network(flat, [])[..., 112:144, 112:144]
    phases = torch.stack([image[..., i::2, j::2].mean() for i in (0, 1) for j in (0, 1)])
    return float(phases.std())


def test_resizing_leaves_no_chequers() -> None:
    torch.manual_seed(0)
    transposed, resized = (tiny(32, norm="none", enlarging=kind) for kind in ("transposed", "resize"))
    for network in (transposed, resized):
        for layer in convolutions(network):
            nn.init.kaiming_normal_(layer.get_parameter("weight"))
    assert chequers(resized) < 1e-4 < chequers(transposed)
    assert not any(isinstance(layer, nn.ConvTranspose2d) for layer in convolutions(resized))


# -- learning --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [{}, {"norm": "instance"}, {"norm": "none"}, {"attention": [8], "spectral": True}, {"enlarging": "resize"}],
)
def test_gradients_reach_every_weight(settings: dict[str, Any]) -> None:
    network = tiny(**settings)
    for attention in network.attention.values():
        nn.init.ones_(attention.gamma)
    # Two rounds of statistics and a batch of two: each weight has a say.
    network(condition(2), network.draw_batch_keep(2, seeded(0)[0], CPU)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_learns_to_paint_a_label_map() -> None:
    torch.manual_seed(0)
    network = tiny(16, width=1 / 8, norm="instance")
    x = condition(4, 16)
    target = x[:, 1:] - 0.5
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    generator = torch.Generator().manual_seed(0)
    losses = []
    for _ in range(60):
        loss = F.l1_loss(network(x, network.draw_batch_keep(4, generator, CPU)), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 4


def test_works_in_bf16_autocast() -> None:
    network = tiny(norm="instance")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        images = network(condition(2), network.draw_batch_keep(2, seeded(0)[0], CPU))
    assert images.dtype == torch.float32
    images.sum().backward()


@pytest.mark.parametrize("settings", [{}, {"attention": [8], "spectral": True}])
def test_copies_and_saves(settings: dict[str, Any]) -> None:
    network = tiny(**settings).to(memory_format=torch.channels_last)
    x = condition(1)
    network(x, [])
    network.eval()
    expected = network(x, [])
    assert torch.equal(copy.deepcopy(network)(x, []), expected)
    other = tiny(**settings).eval()
    other.load_state_dict(load(save({name: value.contiguous() for name, value in network.state_dict().items()})))
    assert torch.allclose(other(x, []), expected, atol=1e-6)
