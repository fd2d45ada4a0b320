"""Features of any origin on one scale, so that distances of different networks can be read alike."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from segmint.reference.whitening import Whitening

# A feature so many standard deviations off says as much as one further off: no single one shall decide a distance.
_FAR = 10.0
_CONSTANT = 1e-6


class FeatureScale:
    """Each feature less its mean and over its standard deviation among real images, then the first principal components, whitened.

    Features that do not vary among the real images are left out.

    Args:
        features: [N, D] of real images.
        components: how many are kept, at most.
    """

    def __init__(self, features: NDArray[np.float64], *, components: int) -> None:
        self._mean, spread = features.mean(axis=0), features.std(axis=0)
        self._kept = spread > _CONSTANT * (1 + np.abs(self._mean))
        self._spread = spread[self._kept]
        self._whitening = Whitening(self._standard(features), components=components)

    def __call__(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """[n, D] -> [n, at most `components`]."""
        return self._whitening(self._standard(features)).numpy()

    @property
    def varies(self) -> int:
        """How many features vary among the real images."""
        return int(self._kept.sum())

    def _standard(self, features: NDArray[np.float64]) -> torch.Tensor:
        scaled = (features - self._mean)[:, self._kept] / self._spread
        return torch.from_numpy(np.clip(scaled, -_FAR, _FAR))
