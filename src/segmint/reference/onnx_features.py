"""Features from a network that the user gives as an ONNX file, such as one trained on radiological images.

ONNX holds a graph of known operations and nothing that is run on loading. It needs the extra `onnx`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segmint.errors import UserError
from segmint.reference.given_network import GivenNetwork, check_is_file

_FLOATS = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}


class OnnxNetwork(GivenNetwork):
    """A network as a graph of operations.

    Of its outputs the first is taken; feature maps [n, D, H, W] are averaged over their places, token sequences [n, T, D] over the
    tokens. Values of images stay in [-1, 1].

    Args:
        path: the file.

    Raises:
        UserError: the file is absent or no ONNX network of images, or the extra is not installed.
    """

    def __init__(self, path: Path) -> None:
        check_is_file(path)
        self._session = _opened(path)
        self._wanted = _checked_input(path, self._session)
        sizes = (size if isinstance(size, int) else None for size in self._wanted.shape)
        self._batch, channels, height, width = sizes
        super().__init__(path, channels=channels, height=height, width=width)

    def _features(self, images: Tensor) -> Tensor:
        values = images.numpy().astype(_FLOATS[self._wanted.type])
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


def _checked_input(path: Path, session: Any) -> Any:
    inputs = session.get_inputs()
    wanted = inputs[0]
    if len(inputs) != 1 or len(wanted.shape) != 4 or wanted.type not in _FLOATS:
        raise UserError(
            f"--features {path}: the network takes {', '.join(f'{i.type} {list(i.shape)}' for i in inputs)}; one"
            " that takes images as floating-point numbers [n, channels, height, width] is needed."
        )
    if wanted.shape[3] in (1, 3) and wanted.shape[1] not in (1, 3):
        raise UserError(
            f"--features {path}: the network takes {list(wanted.shape)}, channels last; export one that takes"
            " [n, channels, height, width]."
        )
    return wanted


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
