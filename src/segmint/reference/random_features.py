"""Features of images from a convolutional network that was never trained: a floor under all learnt ones.

Random filters already tell textures and shapes apart [Saxe 2011, ICML; Ulyanov 2018, CVPR], need no download and no
labels, and cannot have seen any image.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from segmint.reference.spectra import resized

SIDE, WIDTHS = 64, (32, 64, 128)


class RandomFeatures:
    """Three convolutions with fixed random filters, strides of 2, absolute values between them.

    Each channel of an image is first brought to mean 0 and standard deviation 1, so that brightness and contrast do not
    count. Filters have mean 0 and norm 1.

    Args:
        channels: C of the images.
        cells: how many places a side the responses are averaged over: 1 gives what is in an image wherever it is, more
            give where as well.
        seed: of the filters.
    """

    def __init__(self, channels: int, *, cells: int = 1, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.cells = cells
        self.filters: list[Tensor] = []
        for width, inputs, reach in zip(WIDTHS, (channels, *WIDTHS[:-1]), (5, 3, 3), strict=True):
            drawn = torch.randn(width, inputs, reach, reach, generator=generator)
            drawn = drawn - drawn.mean(dim=(1, 2, 3), keepdim=True)
            self.filters.append(drawn / drawn.flatten(1).norm(dim=1)[:, None, None, None])

    def __call__(self, images: Tensor) -> Tensor:
        """Images [n, C, S, S] -> [n, D]: means of all responses, by cell, and with one cell their deviations too."""
        spread, mean = torch.std_mean(images, dim=(-2, -1), keepdim=True)
        maps, found = resized((images - mean) / (spread + 1e-3), SIDE), []
        for filters in self.filters:
            maps = F.conv2d(maps, filters, stride=2, padding=filters.shape[-1] // 2).abs()
            found.append(F.adaptive_avg_pool2d(maps, self.cells).flatten(1))
            if self.cells == 1:
                found.append(maps.std(dim=(-2, -1)))
        return torch.cat(found, dim=1)
