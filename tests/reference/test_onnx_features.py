"""A network in ONNX format, made by hand: its features, how images are brought to it, and what is refused."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
import torch

from segmint.errors import UserError
from segmint.reference.onnx_features import OnnxNetwork

FLOAT, INT = 1, 7


def varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found, value = found + bytes([value & 127 | 128]), value >> 7
    return found + bytes([value])


def field(number: int, value: int | bytes | str) -> bytes:
    """One field of a protobuf message: a number, or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def tensor_type(name: str, sizes: tuple[int | str, ...], kind: int = FLOAT) -> bytes:
    shape = b"".join(field(1, field(1 if isinstance(one, int) else 2, one)) for one in sizes)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


def write_network(path: Path, taken: tuple[int | str, ...], *operations: str, channels: int = 1) -> Path:
    """Two 1 x 1 filters, of which the second has twice the weight and the other sign; then `operations`, one by one."""
    weights = struct.pack(f"<{2 * channels}f", *(one for sign in (1.0, -2.0) for one in [sign] * channels))
    dims = b"".join(field(1, one) for one in (2, channels, 1, 1))
    names = ["image", *(f"v{number}" for number in range(len(operations) + 1))]
    nodes = [field(1, "image") + field(1, "w") + field(2, "v0") + field(4, "Conv")]
    nodes += [
        field(1, names[number]) + field(2, names[number + 1]) + field(4, operation)
        for number, operation in enumerate(operations, start=1)
    ]
    graph = b"".join(field(1, node) for node in nodes) + field(2, "g")
    graph += field(5, dims + field(2, FLOAT) + field(8, "w") + field(9, weights))
    graph += field(11, tensor_type("image", taken))
    last = INT if operations[-1:] == ("Shape",) else FLOAT
    graph += field(12, field(1, names[-1]) + field(2, field(1, field(1, last))))
    path.write_bytes(field(1, 8) + field(8, field(1, "") + field(2, 13)) + field(7, graph))
    return path


@pytest.fixture(autouse=True)
def _runtime() -> None:
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")


def images(count: int, channels: int = 1, side: int = 8) -> torch.Tensor:
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_maps_are_averaged_and_vectors_taken_as_they_are(tmp_path: Path) -> None:
    shown = images(5)
    expected = shown.mean(dim=(1, 2, 3))[:, None] * torch.tensor([1.0, -2.0])
    for operations in ((), ("GlobalAveragePool", "Flatten")):
        network = OnnxNetwork(write_network(tmp_path / "n.onnx", ("n", 1, "h", "w"), *operations))
        torch.testing.assert_close(network(shown), expected, atol=1e-5, rtol=1e-5)


def test_images_are_scaled_channels_shown_apart_and_batches_filled_up(tmp_path: Path) -> None:
    network = OnnxNetwork(write_network(tmp_path / "n.onnx", (2, 3, 16, 16), channels=3))
    shown = images(5, channels=2)
    found = network(shown)
    assert found.shape == (5, 4)
    # Each channel three times, so three times its mean.
    larger = torch.nn.functional.interpolate(shown, size=(16, 16), mode="bilinear", antialias=True).mean(dim=(2, 3))
    torch.testing.assert_close(found[:, 0], 3 * larger[:, 0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[:, 3], -6 * larger[:, 1], atol=1e-5, rtol=1e-5)
    said = network.described(2, 8)
    assert (said["input"], said["channels"], said["scaled"]) == ([3, 16, 16], "each by itself, repeated", True)
    assert len(said["sha256"]) == 64


def test_what_is_no_network_of_images_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(UserError, match="no network in ONNX format"):
        OnnxNetwork(broken)
    with pytest.raises(UserError, match="no such file"):
        OnnxNetwork(tmp_path / "absent.onnx")
    with pytest.raises(UserError, match="channels last"):
        OnnxNetwork(write_network(tmp_path / "last.onnx", ("n", 8, 8, 3), channels=8))
    with pytest.raises(UserError, match=r"is needed"):
        OnnxNetwork(write_network(tmp_path / "shape.onnx", ("n", 1, "h", "w"), "Shape"))(images(3))
    with pytest.raises(UserError, match="not finite"):
        OnnxNetwork(write_network(tmp_path / "log.onnx", ("n", 1, "h", "w"), "Log"))(images(3))
