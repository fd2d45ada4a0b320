"""Images with detail of their own, from a seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

Images = NDArray[np.float32]


def draw_images(count: int, *, size: int = 64, channels: int = 1, seed: int = 0) -> Images:
    """Blobs of two sizes inside a disc, on black; [count, channels, size, size] in [-1, 1]."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size] - (size - 1) / 2
    images = np.full((count, channels, size, size), -1.0, dtype=np.float32)
    for image in images:
        radius = size * generator.uniform(0.28, 0.38)
        inside = np.hypot(rows, columns * generator.uniform(0.8, 1.2)) < radius
        for channel in image:
            noise = generator.normal(size=(2, size, size))
            smooth = sum(
                ndimage.gaussian_filter(one, width * size / 64) * width
                for one, width in zip(noise, (1.5, 4), strict=True)
            )
            channel[inside] = np.clip(smooth[inside] / smooth[inside].std() / 3, -0.9, 1)
    return images


@pytest.fixture(scope="session")
def images() -> Callable[..., Images]:
    return draw_images
