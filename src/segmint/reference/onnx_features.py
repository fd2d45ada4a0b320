"""Features from a network that the user gives as an ONNX file, such as one trained on radiological images.

ONNX holds a graph of known operations and nothing that is run on loading. It needs the extra `onnx`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from segmint.errors import UserError

_FLOATS = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}


class OnnxNetwork:
    """A network that takes images [n, C, H, W] and gives features.

    Of its outputs the first is taken; feature maps [n, D, H, W] are averaged over their places, token sequences [n, T, D] over the
    tokens. Images are scaled to the size the network takes (bilinear, smoothed where that is fewer pixels), or shown as they are
    where it takes any; values stay in [-1, 1]. Where it takes another number of channels than the images have, each channel is
    shown by itself, repeated as often as the network takes channels, and the features are put one after the other.

    Args:
        path: the file.

    Raises:
        UserError: the file is absent or no ONNX network of images, or the extra is not installed.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise UserError(f"--features {self.path}: there is no such file.")
        self._session = _opened(self.path)
        self._wanted = self._checked_input()
        self._batch, self._channels, self._height, self._width = (
            size if isinstance(size, int) else None for size in self._wanted.shape
        )

    def __call__(self, images: Tensor) -> Tensor:
        """Images [n, C, S, S] in [-1, 1] -> [n, D].

        Raises:
            UserError: the network cannot take them, or what it gives is no feature vector.
        """
        taken = self._channels
        if taken is None or taken == images.shape[1]:
            return self._features(images)
        single = [self._features(images[:, [channel]].repeat(1, taken, 1, 1)) for channel in range(images.shape[1])]
        return torch.cat(single, dim=1)

    def described(self, channels: int, side: int) -> dict[str, Any]:
        """What evaluation.json says of it, for images of so many channels and pixels a side."""
        apart = self._channels is not None and self._channels != channels
        return {
            "file": str(self.path.resolve()),
            "sha256": hashlib.sha256(self.path.read_bytes()).hexdigest(),
            "input": [self._channels or channels, self._height or side, self._width or side],
            "channels": "each by itself, repeated" if apart else "together",
            "scaled": (self._height or side, self._width or side) != (side, side),
        }

    def _checked_input(self) -> Any:
        inputs = self._session.get_inputs()
        wanted = inputs[0]
        if len(inputs) != 1 or len(wanted.shape) != 4 or wanted.type not in _FLOATS:
            raise UserError(
                f"--features {self.path}: the network takes {', '.join(f'{i.type} {list(i.shape)}' for i in inputs)}; one"
                " that takes images as floating-point numbers [n, channels, height, width] is needed."
            )
        if wanted.shape[3] in (1, 3) and wanted.shape[1] not in (1, 3):
            raise UserError(
                f"--features {self.path}: the network takes {list(wanted.shape)}, channels last; export one that takes"
                " [n, channels, height, width]."
            )
        return wanted

    def _features(self, images: Tensor) -> Tensor:
        size = (self._height or images.shape[-2], self._width or images.shape[-1])
        shown = images.float()
        if size != tuple(images.shape[-2:]):
            shown = F.interpolate(shown, size=size, mode="bilinear", antialias=True, align_corners=False)
        values = shown.numpy().astype(_FLOATS[self._wanted.type])
        step = self._batch or len(values)
        return torch.cat([self._run(values[start : start + step], step) for start in range(0, len(values), step)])

    def _run(self, block: NDArray[Any], step: int) -> Tensor:
        count = len(block)
        padded = np.concatenate([block, np.repeat(block[-1:], step - count, axis=0)]) if count < step else block
        try:
            first = np.asarray(self._session.run(None, {self._wanted.name: padded})[0])
        except Exception as error:  # onnxruntime's exceptions have no common base of their own.
            raise UserError(
                f"--features {self.path}: the network cannot take images of shape {list(padded.shape)}"
                f" ({str(error).splitlines()[0][:200]})."
            ) from error
        if first.ndim not in (2, 3, 4) or len(first) != step or not np.issubdtype(first.dtype, np.floating):
            raise UserError(
                f"--features {self.path}: its first output is {first.dtype} of shape {list(first.shape)} for {step} images;"
                " [n, features], [n, tokens, features] or [n, features, height, width] is needed."
            )
        if not np.isfinite(first).all():
            raise UserError(f"--features {self.path}: the network gives numbers that are not finite.")
        places = {2: (), 3: (1,), 4: (2, 3)}[first.ndim]
        found = first[:count].astype(np.float32)
        return torch.from_numpy(found.mean(axis=places) if places else found)


def _opened(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError(
            f"--features {path} needs the extra onnx: install it with pip install 'segmint[onnx]'."
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # As above.
        raise UserError(
            f"--features {path} is no network in ONNX format that can be read ({str(error).splitlines()[0][:200]})."
        ) from error
