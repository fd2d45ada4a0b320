"""Features of every pixel of a generated image: what all styled layers gave there [Zhang 2021, section 3.2].

The maps stay at their own resolutions, which takes a small part of the memory of upsampled ones; a pixel's features are
interpolated when they are asked for, in blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


class StyleFeatures:
    """Feature maps [N, width, r, r] of some styled layers of N images, read at pixels of `size` x `size` images.

    Between the centres of a map's pixels values are interpolated bilinearly, as in upsampling with corners not aligned;
    beyond the outermost centres they stay as they are.

    Raises:
        ValueError: there are no maps, or they are of different numbers of images.
    """

    def __init__(self, maps: Sequence[Tensor], *, size: int) -> None:
        if not maps or len({len(one) for one in maps}) > 1:
            raise ValueError("feature maps of one or more layers, of the same images, were expected")
        self.maps, self.size = tuple(maps), size

    def __len__(self) -> int:
        """N."""
        return len(self.maps[0])

    @property
    def width(self) -> int:
        """Features of a pixel: the maps' widths added up."""
        return sum(one.shape[1] for one in self.maps)

    def layers(self, chosen: Sequence[int]) -> StyleFeatures:
        """The same images, some layers only, in the order given."""
        return StyleFeatures([self.maps[number] for number in chosen], size=self.size)

    def at(self, pixels: Tensor) -> Tensor:
        """Features of pixels.

        Args:
            pixels: int64 [N, P], row * size + column, for each image its own.

        Returns:
            float32 [N, P, width].
        """
        rows, columns = pixels // self.size, pixels % self.size
        # Centres of pixels in the coordinates of `grid_sample`, where the image spans -1 to 1.
        places = torch.stack([columns, rows], dim=-1).float().add(0.5).mul(2 / self.size).sub(1)[:, None]
        found = [
            F.grid_sample(one.float(), places.to(one.device), padding_mode="border", align_corners=False)[:, :, 0]
            for one in self.maps
        ]
        return torch.cat(found, dim=1).transpose(1, 2)

    def blocks(self, pixels: int) -> Iterator[tuple[slice, Tensor]]:
        """All pixels in order, so many at a time: which ones, and their features [N, at most `pixels`, width]."""
        total = self.size**2
        for start in range(0, total, pixels):
            stop = min(start + pixels, total)
            numbers = torch.arange(start, stop, device=self.maps[0].device)
            yield slice(start, stop), self.at(numbers.expand(len(self), -1))
