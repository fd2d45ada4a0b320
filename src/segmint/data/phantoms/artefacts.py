"""What the scanner adds: texture, coil shading, point spread, Rician noise, gain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segmint.data.phantoms.fields import random_field
from segmint.data.phantoms.grid import Array, Grid


@dataclass(frozen=True)
class Scanner:
    """One subject's examination; a value for each contrast where there are four."""

    gain: tuple[float, ...]
    noise: tuple[float, ...]
    """Standard deviation of the noise in each of the two quadrature channels, against white matter on T1."""
    shading: float
    """Standard deviation of the logarithm of the coil's sensitivity."""
    texture: float
    blur: tuple[float, ...]
    """Standard deviation of the point spread within the slice, voxels of 3 mm."""

    @classmethod
    def draw(cls, rng: np.random.Generator, contrasts: int) -> Scanner:
        """Draw an examination."""
        level = float(rng.uniform(0.02, 0.04))
        return cls(
            gain=tuple(float(g) for g in 400 * np.exp(rng.normal(0, 0.35, contrasts))),
            noise=tuple(float(n) for n in level * np.exp(rng.normal(0, 0.15, contrasts))),
            shading=float(rng.uniform(0.05, 0.12)),
            texture=float(rng.uniform(0.015, 0.03)),
            blur=tuple(float(b) for b in rng.uniform(0.15, 0.35, contrasts)),
        )


def acquire(rng: np.random.Generator, grid: Grid, scanner: Scanner, images: Array) -> Array:
    """Images as the scanner would give them.

    Args:
        images: noise-free, [contrast, rows, columns, slices].

    Returns:
        Magnitude images of the same shape, in the scanner's units, not negative.
    """
    from scipy import ndimage

    shared = random_field(rng, grid, (70.0, 70.0, 50.0), fine=False)
    acquired = np.empty_like(images)
    for index, image in enumerate(images):
        own = random_field(rng, grid, (55.0, 55.0, 45.0), fine=False)
        texture = random_field(rng, grid, (3.5, 3.5, 6.0), fine=False) + random_field(
            rng, grid, (8.0, 8.0, 9.0), fine=False
        )
        sensitivity = np.exp(np.float32(scanner.shading) * (np.float32(0.8) * shared + np.float32(0.6) * own))
        signal = image * (1 + np.float32(scanner.texture) * texture)
        width = scanner.blur[index] * 3.0 / grid.spacing[0]
        signal = ndimage.gaussian_filter(signal, (width, width, 0)) * sensitivity
        real, imaginary = rng.standard_normal((2, *image.shape), dtype=np.float32) * np.float32(scanner.noise[index])
        acquired[index] = np.sqrt((signal + real) ** 2 + imaginary**2) * np.float32(scanner.gain[index])
    return acquired
