"""Distance of images to the nearest training image in the features of a network, whichever way up they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segmint.reference.images import Images, blocks
from segmint.reference.whitening import Whitening

_BLOCK, _FITTED_ON = 32, 1500


class FeatureSearch:
    """Training images as features, whitened.

    Args:
        features: images [n, C, S, S] -> [n, D].
        images: [N, C, S, S] in [-1, 1]; indices: which of them, read block by block.
        turned: queries are turned by quarters and mirrored too, and the least distance is taken.
    """

    def __init__(
        self,
        features: Callable[[Tensor], Tensor],
        images: Images,
        indices: NDArray[np.int64],
        *,
        turned: bool = True,
    ) -> None:
        self._features, self._turned = features, turned
        some = indices[:: -(-len(indices) // _FITTED_ON)]
        self._whitening = Whitening(features_of(features, images, some))
        self._known = torch.cat([self._whitening(features(block)) for block in blocks(images, indices, size=_BLOCK)])

    def nearest(self, images: Images, indices: NDArray[np.int64]) -> NDArray[np.float64]:
        """[n] distance of some of `images` to the nearest training image."""
        return np.concatenate([self._distance(block).numpy() for block in blocks(images, indices, size=_BLOCK)]).astype(
            np.float64
        )

    def _distance(self, images: Tensor) -> Tensor:
        turned = [images]
        if self._turned:
            turned = [torch.rot90(one, quarter, (-2, -1)) for one in (images, images.flip(-1)) for quarter in range(4)]
        found = self._whitening(self._features(torch.cat(turned)))
        return torch.cdist(found, self._known).amin(dim=1).reshape(len(turned), -1).amin(dim=0)


def features_of(features: Callable[[Tensor], Tensor], images: Images, indices: NDArray[np.int64]) -> Tensor:
    """[n, D] features of some of `images` [N, C, S, S], read block by block."""
    return torch.cat([features(block) for block in blocks(images, indices, size=_BLOCK)])
