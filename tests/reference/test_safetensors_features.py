"""Weights with a description: the features of a known network, names of weights, how images are brought to it, what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.networks import nets
from safetensors.torch import save_file
from torch import Tensor

from segmint.errors import UserError
from segmint.reference.feature_file import open_network
from segmint.reference.safetensors_features import SafetensorsNetwork

GREY = {"architecture": "resnet10", "channels": 1, "range": [0, 1], "mean": 0.5, "std": 0.25}
Weights = dict[str, Tensor]


def images(count: int, channels: int = 1, side: int = 32) -> Tensor:
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(scope="module")
def residual() -> torch.nn.Module:
    """With a classifier that gives every feature as a class, and statistics as if it had been trained."""
    network = nets.resnet10(
        spatial_dims=2, n_input_channels=1, conv1_t_stride=2, bias_downsample=False, num_classes=512
    )
    network.fc.weight.data = torch.eye(512)
    network.fc.bias.data.zero_()
    return settled(network)


@pytest.fixture(scope="module")
def dense() -> torch.nn.Module:
    network = nets.densenet121(spatial_dims=2, in_channels=3, out_channels=1024)
    network.class_layers.out.weight.data = torch.eye(1024)
    network.class_layers.out.bias.data.zero_()
    return settled(network)


def settled(network: torch.nn.Module) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(1)
    for name, value in network.named_buffers():
        # Means that leave something above 0 in every layer.
        if name.endswith("running_mean"):
            value.copy_((torch.rand(value.shape, generator=generator) - 0.5) / 10)
        if name.endswith("running_var"):
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
    return network.eval()


def write(folder: Path, weights: Weights, description: dict[str, Any] | None = None, **metadata: str) -> Path:
    path = folder / "weights.safetensors"
    save_file({name: one.clone() for name, one in weights.items()}, path, metadata=metadata or None)
    if description is not None:
        (folder / "weights.json").write_text(json.dumps(description))
    return path


def test_features_are_those_before_the_classifier(residual: torch.nn.Module, tmp_path: Path) -> None:
    network = SafetensorsNetwork(write(tmp_path, residual.state_dict(), GREY))
    shown = images(18)
    with torch.no_grad():
        expected = residual(((shown + 1) / 2 - 0.5) / 0.25)
    assert expected.std() > 1e-2
    torch.testing.assert_close(network(shown), expected, atol=1e-4, rtol=1e-4)
    said = network.described(1, 32)
    assert (said["input"], said["channels"], said["scaled"]) == ([1, 32, 32], "together", False)
    assert said["network"]["architecture"] == "resnet10"


def test_images_are_scaled_and_channels_shown_apart(residual: torch.nn.Module, tmp_path: Path) -> None:
    network = SafetensorsNetwork(write(tmp_path, residual.state_dict(), {**GREY, "size": 64}))
    shown = images(2, channels=2)
    larger = torch.nn.functional.interpolate(shown, size=(64, 64), mode="bilinear", antialias=True)
    with torch.no_grad():
        parts = [residual(larger[:, [channel]] * 2) for channel in range(2)]
    torch.testing.assert_close(network(shown), torch.cat(parts, dim=1), atol=1e-4, rtol=1e-4)
    said = network.described(2, 32)
    assert (said["input"], said["channels"], said["scaled"]) == ([1, 64, 64], "each by itself, repeated", True)


@pytest.mark.parametrize("stride", [1, 2])
def test_networks_of_monai_must_say_the_stride_of_their_first_convolution(stride: int, tmp_path: Path) -> None:
    network = settled(nets.resnet10(spatial_dims=2, n_input_channels=1, conv1_t_stride=stride, feed_forward=False))
    path = write(tmp_path, network.state_dict(), GREY)
    with pytest.raises(UserError, match=r'may have either stride, .*: say "stride" in its description, 1 unless'):
        SafetensorsNetwork(path)
    found = SafetensorsNetwork(write(tmp_path, network.state_dict(), {**GREY, "stride": stride}))
    with torch.no_grad():
        expected = network(images(3) * 2)
    assert expected.std() > 1e-2
    torch.testing.assert_close(found(images(3)), expected, atol=1e-4, rtol=1e-4)


def test_other_residual_networks_may_say_a_stride_too(residual: torch.nn.Module, tmp_path: Path) -> None:
    both = [
        SafetensorsNetwork(write(tmp_path, residual.state_dict(), {**GREY, **said}))(images(3))
        for said in ({}, {"stride": 2}, {"stride": 1})
    ]
    torch.testing.assert_close(both[0], both[1])
    assert not torch.allclose(both[0], both[2], atol=1e-3)


def test_images_that_are_too_small_are_refused(residual: torch.nn.Module, tmp_path: Path) -> None:
    network = SafetensorsNetwork(write(tmp_path, residual.state_dict(), GREY))
    with pytest.raises(UserError, match='images of 16 pixels are too small for a resnet10: say a "size" of 32 or more'):
        network(images(2, side=16))


def numbered(weights: Weights) -> Weights:
    """As of torchvision's layers one after the other, in another network's attribute."""
    numbers = {"conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7"}
    parts = {name: name.partition(".") for name in weights if not name.startswith("fc.")}
    return {f"backbone.{numbers[first]}.{rest}": weights[name] for name, (first, _, rest) in parts.items()}


def test_numbers_in_place_of_names_behind_a_prefix(residual: torch.nn.Module, tmp_path: Path) -> None:
    given = {name: one.half() if one.is_floating_point() else one for name, one in residual.state_dict().items()}
    network = SafetensorsNetwork(write(tmp_path, numbered(given), {**GREY, "prefix": "backbone."}))
    with torch.no_grad():
        expected = residual(images(3) * 2)
    torch.testing.assert_close(network(images(3)), expected, atol=0.02, rtol=0.02)


@pytest.mark.parametrize("name", [r"\1.\2\3.", r"\1.\2.\3.", r"\1.layers.\2\3."])
def test_dense_networks_under_torchvisions_names_old_ones_and_monais(
    dense: torch.nn.Module, name: str, tmp_path: Path
) -> None:
    given = {
        re.sub(r"(denselayer\d+)\.layers\.(norm|conv)([12])\.", name, one).replace(
            "class_layers.out", "classifier"
        ): value
        for one, value in dense.state_dict().items()
    }
    described = {
        "architecture": "densenet121",
        "channels": 3,
        "range": [0, 255],
        "mean": [1, 2, 3],
        "std": [50, 60, 70],
    }
    network = SafetensorsNetwork(write(tmp_path, given, segmint=json.dumps(described)))
    shown = images(2, channels=3)
    mean, std = (torch.tensor(described[key])[:, None, None] for key in ("mean", "std"))
    with torch.no_grad():
        expected = dense(((shown + 1) / 2 * 255 - mean) / std)
    torch.testing.assert_close(network(shown), expected, atol=1e-3, rtol=1e-3)


def without(weights: Weights) -> Weights:
    return {name: one for name, one in weights.items() if name != "layer3.0.bn2.running_var"}


def as_whole_numbers(weights: Weights) -> Weights:
    return {**weights, "conv1.weight": weights["conv1.weight"].long()}


def with_one_that_is_no_number(weights: Weights) -> Weights:
    return {**weights, "bn1.bias": torch.full_like(weights["bn1.bias"], torch.nan)}


@pytest.mark.parametrize(
    ("change", "description", "said"),
    [
        (without, {}, "it lacks layer3.0.bn2.running_var"),
        (lambda weights: {**weights, "extra.weight": torch.zeros(2)}, {}, "it holds besides extra.weight"),
        (lambda weights: weights, {"architecture": "resnet18"}, "it lacks layer1.1.bn1.bias and"),
        (
            lambda weights: weights,
            {"channels": 3},
            r"conv1.weight has the shape \[64, 1, 7, 7\], that of a resnet10 with 3",
        ),
        (as_whole_numbers, {}, "conv1.weight holds I64"),
        (with_one_that_is_no_number, {}, "bn1.bias holds numbers that are not finite"),
        (lambda weights: weights, {"prefix": "backbone."}, 'does not begin with the prefix "backbone."'),
        (
            lambda weights: {**weights, **{f"7.{name[7:]}": one for name, one in weights.items() if "layer4." in name}},
            {},
            "twice",
        ),
        (lambda weights: weights, {"architecture": "inception"}, 'weights.json is not valid: "architecture".*resnet50'),
        (lambda weights: weights, {"stride": 3}, 'weights.json is not valid: "stride"'),
        (
            lambda weights: weights,
            {"architecture": "densenet121", "stride": 1},
            "stride is 2 in every densely connected",
        ),
        (lambda weights: weights, {"colour": True}, '"colour"'),
        (lambda weights: weights, {"mean": [0.1, 0.2]}, "mean holds one number, or one for each of the 1 channels"),
        (lambda weights: weights, {"std": 0}, "std holds numbers above 0"),
        (lambda weights: weights, {"range": [1, 0]}, "the lower number first"),
    ],
)
def test_what_does_not_fit_is_refused(
    residual: torch.nn.Module,
    change: Callable[[Weights], Weights],
    description: dict[str, Any],
    said: str,
    tmp_path: Path,
) -> None:
    path = write(tmp_path, change(dict(residual.state_dict())), {**GREY, **description})
    with pytest.raises(UserError, match=said):
        SafetensorsNetwork(path)


def test_files_that_are_no_weights_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, {"a": torch.zeros(1)})
    with pytest.raises(UserError, match=r'write .*weights.json, such as \{"architecture": "resnet50"'):
        open_network(path)
    with pytest.raises(UserError, match=r'the entry "segmint" .* cannot be read as JSON'):
        open_network(write(tmp_path, {"a": torch.zeros(1)}, segmint="{"))
    path.write_bytes(b"\xff" * 64)
    with pytest.raises(UserError, match="is no safetensors file that can be read"):
        open_network(path)
    with pytest.raises(UserError, match="no such file"):
        open_network(tmp_path / "absent.safetensors")


def test_pickles_are_never_read(tmp_path: Path) -> None:
    ran = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> Any:
            return Path.touch, (ran,)

    for ending in ("pt", "pth", "bin", "PKL", "ckpt"):
        torch.save(Trap(), tmp_path / f"weights.{ending}")
        with pytest.raises(UserError, match="can run any code"):
            open_network(tmp_path / f"weights.{ending}")
    torch.save(Trap(), tmp_path / "weights.safetensors")
    with pytest.raises(UserError, match="no safetensors file"):
        open_network(tmp_path / "weights.safetensors")
    assert not ran.exists()
