"""The network of `--features FILE`, whichever way it is written down."""

from __future__ import annotations

from pathlib import Path

from segmint.errors import UserError
from segmint.reference.given_network import GivenNetwork
from segmint.reference.onnx_features import OnnxNetwork
from segmint.reference.safetensors_features import SafetensorsNetwork

# What torch.save and pickle write: reading it can run any code.
_PICKLED = frozenset({".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth", ".tar"})


def open_network(path: Path) -> GivenNetwork:
    """Open a network by the ending of its file: .safetensors, else ONNX.

    Raises:
        UserError: the file is absent, no network of images, or of a kind that could run code on being read.
    """
    path = Path(path)
    if path.suffix.lower() in _PICKLED:
        raise UserError(
            f"--features {path}: reading such a file can run any code in it, so it is not read. Store the weights as"
            " safetensors (safetensors.torch.save_file), or export the network as ONNX."
        )
    return SafetensorsNetwork(path) if path.suffix.lower() == ".safetensors" else OnnxNetwork(path)
