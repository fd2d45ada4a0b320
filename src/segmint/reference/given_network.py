"""A network that the user gives for its features, such as one trained on radiological images: how images are brought to it."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from segmint.errors import UserError


class GivenNetwork(ABC):
    """A network that takes images [n, C, H, W] and gives features; None stands for any number of channels or pixels.

    Images are scaled to the size the network takes (bilinear, smoothed where that is fewer pixels), or shown as they are
    where it takes any. Where it takes another number of channels than the images have, each channel is shown by itself,
    repeated as often as the network takes channels, and the features are put one after the other.
    """

    def __init__(self, path: Path, *, channels: int | None, height: int | None, width: int | None) -> None:
        self.path = path
        self._channels, self._height, self._width = channels, height, width

    def __call__(self, images: Tensor) -> Tensor:
        """Images [n, C, S, S] in [-1, 1] -> [n, D].

        Raises:
            UserError: the network cannot take them, or what it gives is no feature vector.
        """
        taken = self._channels
        if taken is None or taken == images.shape[1]:
            return self._features(self._scaled(images))
        single = [
            self._features(self._scaled(images[:, [channel]]).repeat(1, taken, 1, 1))
            for channel in range(images.shape[1])
        ]
        return torch.cat(single, dim=1)

    def described(self, channels: int, side: int) -> dict[str, Any]:
        """What evaluation.json says of it, for images of so many channels and pixels a side."""
        apart = self._channels is not None and self._channels != channels
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {
            "file": str(self.path.resolve()),
            "sha256": digest,
            "input": [self._channels or channels, self._height or side, self._width or side],
            "channels": "each by itself, repeated" if apart else "together",
            "scaled": (self._height or side, self._width or side) != (side, side),
        }

    @abstractmethod
    def _features(self, images: Tensor) -> Tensor:
        """Float32 images in [-1, 1], of the channels and the size that the network takes -> [n, D]."""

    def _scaled(self, images: Tensor) -> Tensor:
        size = (self._height or images.shape[-2], self._width or images.shape[-1])
        if size == tuple(images.shape[-2:]):
            return images.float()
        return F.interpolate(images.float(), size=size, mode="bilinear", antialias=True, align_corners=False)


def check_is_file(path: Path) -> None:
    """Refuse a path at which there is no file.

    Raises:
        UserError: there is none.
    """
    if not path.is_file():
        raise UserError(f"--features {path}: there is no such file.")
