"""Features from a network that the user gives as a safetensors file of weights, with a few lines of JSON that name what it is.

Safetensors holds numbers under names and nothing that is run on loading; the network itself is built here, of a known kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from segmint.data.formats.memory import check_memory
from segmint.errors import UserError
from segmint.reference.given_network import GivenNetwork, check_is_file
from segmint.reference.weights_description import WeightsDescription, read_description

_FLOATS = ("F16", "BF16", "F32", "F64")
# In memory: the tensors of the file, those of the network.
_COPIES = 2
# Images a pass, which bounds the memory that their feature maps take; pixels a side, of which less leaves no feature map.
_BLOCK, _LEAST = 16, 32
# Of the layers that give classes, which are left out here; of batch normalisation, what is needed for training alone.
_CLASSIFIER = re.compile(r"(fc|classifier|class_layers)\.")
_COUNTS = "num_batches_tracked"
# Numbers instead of names: those of the layers of torchvision's network one after the other, in nn.Sequential.
_NUMBERED = {
    "resnet": {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"},
    "densenet": {"0": "features"},
}


class SafetensorsNetwork(GivenNetwork):
    """A residual or a densely connected network; its features are those before the classifier, averaged over their places.

    Names and shapes of weights must be those of the network, to the last: what is absent or left over is refused, but for the
    classifier, which is not needed.

    Args:
        path: the file, with its description beside it or in its metadata (see `WeightsDescription`).

    Raises:
        UserError: a file is absent or cannot be read, or the weights are not those of the network that it says.
    """

    def __init__(self, path: Path) -> None:
        check_is_file(path)
        try:
            with safe_open(path, framework="pt") as file:
                self._description = read_description(path, file.metadata())
                self._network = _loaded(path, file, self._description)
        except (OSError, SafetensorError) as error:
            raise UserError(f"--features {path} is no safetensors file that can be read ({error}).") from error
        self._from_ends, self._mean, self._std = _scales(self._description)
        side = self._description.size
        super().__init__(path, channels=self._description.channels, height=side, width=side)

    def described(self, channels: int, side: int) -> dict[str, Any]:
        """As of every network, with what its description says."""
        return super().described(channels, side) | {"network": self._description.model_dump(mode="json")}

    def _features(self, images: Tensor) -> Tensor:
        if (side := min(images.shape[-2:])) < _LEAST:
            raise UserError(
                f"--features {self.path}: images of {side} pixels are too small for a {self._description.architecture}: say a"
                f' "size" of {_LEAST} or more in its description.'
            )
        low, high = self._from_ends
        prepared = ((images + 1) / 2 * (high - low) + low - self._mean) / self._std
        with torch.inference_mode():
            found = torch.cat([self._network(block) for block in torch.split(prepared, _BLOCK)]).clone()
        if not torch.isfinite(found).all():
            raise UserError(f"--features {self.path}: the network gives numbers that are not finite.")
        return found


class _Dense(nn.Module):
    """MONAI's densely connected network up to where classes begin."""

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, images: Tensor) -> Tensor:
        maps: Tensor = self.features(images)
        return maps.relu().mean(dim=(-2, -1))


def _scales(description: WeightsDescription) -> tuple[tuple[float, float], Tensor, Tensor]:
    mean, std = (torch.tensor(one)[:, None, None] for one in (description.mean, description.std))
    return description.range, mean, std


def _loaded(path: Path, file: Any, description: WeightsDescription) -> nn.Module:
    """The network with the weights of an open file, checked before they are read."""
    kind = description.architecture
    given = dict(_given(path, file, description))
    shifted_shortcuts = any(name.endswith("downsample.0.bias") for name in given)
    if shifted_shortcuts and description.stride is None and kind.startswith("resnet"):
        raise UserError(
            f"--features {path}: the weights are those of a residual network of MONAI, whose first convolution may have either"
            ' stride, which they do not show: say "stride" in its description, 1 unless the network was built with another'
            " conv1_t_stride."
        )
    network = _built(description, shifted_shortcuts=shifted_shortcuts)
    wanted = {name: one for name, one in network.state_dict().items() if not name.endswith(_COUNTS)}
    for names, said in ((wanted.keys() - given.keys(), "lacks"), (given.keys() - wanted.keys(), "holds besides")):
        if names:
            first = sorted(names)[0]
            told = f"{description.prefix}{first}" if said == "lacks" else given[first]
            raise UserError(
                f"--features {path} holds no {kind}: it {said} {told}{_more(len(names) - 1)}. Mend"
                ' "architecture" or "prefix" in its description; names are those of torchvision or of MONAI.'
            )
    for name, stored in given.items():
        found, of_type = tuple(file.get_slice(stored).get_shape()), file.get_slice(stored).get_dtype()
        if found != tuple(wanted[name].shape):
            raise UserError(
                f"--features {path}: {stored} has the shape {list(found)}, that of a {kind} with {description.channels}"
                f' channels {list(wanted[name].shape)}. Mend "architecture" or "channels" in its description.'
            )
        if of_type not in _FLOATS:
            raise UserError(f"--features {path}: {stored} holds {of_type}; floating-point numbers are needed.")
    check_memory(path, (path.stat().st_size,), bytes_a_value=_COPIES)
    weights = {name: file.get_tensor(stored).float() for name, stored in given.items()}
    for name, weight in weights.items():
        if not torch.isfinite(weight).all():
            raise UserError(f"--features {path}: {given[name]} holds numbers that are not finite.")
    # Names were compared above; what is not there are the counts, which only training needs.
    network.load_state_dict(weights, strict=False)
    return network.eval()


def _given(path: Path, file: Any, description: WeightsDescription) -> Iterator[tuple[str, str]]:
    """By the network's name of it the file's name of every weight that is needed."""
    taken: set[str] = set()
    for stored in sorted(file.keys()):
        if not stored.startswith(description.prefix):
            # A classifier may lie beside what has the prefix.
            if _CLASSIFIER.match(stored):
                continue
            raise UserError(
                f'--features {path}: the name {stored} does not begin with the prefix "{description.prefix}" that its'
                " description says."
            )
        name = _named(stored.removeprefix(description.prefix), description.architecture)
        if _CLASSIFIER.match(name) or name.endswith(_COUNTS):
            continue
        if name in taken:
            raise UserError(f"--features {path} holds {name} twice, under two names.")
        taken.add(name)
        yield name, stored


def _named(name: str, architecture: str) -> str:
    """MONAI's name of a weight for one of torchvision's, old ones and numbers included."""
    first, dot, rest = name.partition(".")
    kind = "resnet" if architecture.startswith("resnet") else "densenet"
    found = f"{_NUMBERED[kind].get(first, first)}{dot}{rest}"
    return re.sub(r"(denselayer\d+)\.(?:layers\.)?(norm|conv)\.?([12])\.", r"\1.layers.\2\3.", found)


def _built(description: WeightsDescription, *, shifted_shortcuts: bool) -> nn.Module:
    """The network without its classifier; `shifted_shortcuts`: the convolutions beside its blocks have a bias."""
    from monai.networks import nets

    build = getattr(nets, description.architecture)
    if description.architecture.startswith("resnet"):
        residual: nn.Module = build(
            spatial_dims=2,
            n_input_channels=description.channels,
            conv1_t_stride=description.stride or 2,
            feed_forward=False,
            bias_downsample=shifted_shortcuts,
        )
        return residual
    return _Dense(build(spatial_dims=2, in_channels=description.channels, out_channels=1).features)


def _more(count: int) -> str:
    return f" and {count} more" if count else ""
