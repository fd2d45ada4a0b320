"""How much of an image a reconstruction holds."""

from __future__ import annotations

import math

import torch
from torch import Tensor

EXPLAINED, PSNR = "explained_variance", "psnr"
DIRECTION = "higher"


def explained_variance(images: Tensor, reconstructions: Tensor) -> Tensor:
    """1 less the squared error over the image's variance, both summed over channels: [N, C, H, W] twice -> [N].

    1 is perfect; 0 is no better than each channel's mean; it may be negative. A reconstruction of an image without any
    contrast counts 1 if it is exact, else minus infinity.
    """
    error = (images - reconstructions).square().flatten(1).sum(dim=1)
    spread = (images - images.mean(dim=(2, 3), keepdim=True)).square().flatten(1).sum(dim=1)
    return torch.where(error == 0, torch.ones_like(error), 1 - error / spread)


def psnr(images: Tensor, reconstructions: Tensor, *, span: float = 2.0) -> Tensor:
    """Peak signal-to-noise ratio in dB, [N, C, H, W] twice -> [N]; `span` is the width of the range of values."""
    error = (images - reconstructions).square().flatten(1).mean(dim=1)
    return 20 * math.log10(span) - 10 * torch.log10(error)
