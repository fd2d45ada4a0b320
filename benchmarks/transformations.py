"""What may have been done to a training image that is given out as synthetic: the leaks that the privacy audit must find."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Image = NDArray[np.float64]
Transformation = Callable[[Image, np.random.Generator], Image]


def mirrored(image: Image, generator: np.random.Generator) -> Image:
    """Left to right, or top to bottom."""
    return np.flip(image, int(generator.integers(1, 3)))


def turned(image: Image, generator: np.random.Generator) -> Image:
    """By 90, 180 or 270 degrees."""
    return np.rot90(image, int(generator.integers(1, 4)), (1, 2))


def tilted(image: Image, generator: np.random.Generator, *, most: float = 45.0) -> Image:
    """By up to 45 degrees either way; what comes in is as dark as the darkest pixel."""
    angle = generator.uniform(-most, most)
    return np.stack([ndimage.rotate(one, angle, reshape=False, order=1, cval=float(one.min())) for one in image])


def turned_and_tilted(image: Image, generator: np.random.Generator) -> Image:
    """By any angle, half of them mirrored before, magnified by 0.92 to 1.08 and moved by up to 6%."""
    image = mirrored(image, generator) if generator.random() < 0.5 else image
    image = tilted(turned(image, generator), generator)
    return shifted(magnified(image, generator, low=0.92, high=1.08), generator, share=0.06)


def shifted(image: Image, generator: np.random.Generator, *, share: float = 0.12) -> Image:
    """By up to 12% of the side each way, fractions of pixels too; what comes in is as dark as the darkest pixel."""
    return _placed(image, 1.0, generator.uniform(-share, share, 2) * image.shape[-1])


def magnified(image: Image, generator: np.random.Generator, *, low: float = 0.85, high: float = 1.18) -> Image:
    """By 0.85 to 1.18, about the centre."""
    return _placed(image, generator.uniform(low, high), np.zeros(2))


def recoloured(image: Image, generator: np.random.Generator) -> Image:
    """Gamma 0.75 to 1.33, contrast 0.7 to 1.3, brightness up to 0.15 up or down; clipped to [-1, 1]."""
    bent = np.clip((image + 1) / 2, 0, 1) ** generator.uniform(0.75, 1.33)
    return np.clip((2 * bent - 1) * generator.uniform(0.7, 1.3) + generator.uniform(-0.15, 0.15), -1, 1)


def noisy(image: Image, generator: np.random.Generator, *, low: float = 0.05, high: float = 0.15) -> Image:
    """Gaussian noise with a standard deviation of 0.05 to 0.15, clipped to [-1, 1]."""
    return np.clip(image + generator.normal(0, generator.uniform(low, high), image.shape), -1, 1)


def deformed(image: Image, generator: np.random.Generator, *, low: float = 1.5, high: float = 3.0) -> Image:
    """By a smooth displacement of up to 1.5 to 3 pixels of 64."""
    side = image.shape[-1]
    displacement = ndimage.gaussian_filter(generator.normal(size=(2, side, side)), (0, side / 10, side / 10))
    displacement *= generator.uniform(low, high) * side / 64 / np.abs(displacement).max()
    places = np.mgrid[:side, :side] + displacement
    return np.stack([ndimage.map_coordinates(one, places, order=1, mode="nearest") for one in image])


def all_at_once(image: Image, generator: np.random.Generator) -> Image:
    """Mirrored or turned, moved by up to 6%, magnified by up to 8%, deformed by 1.5 pixels of 64, recoloured, a little noise."""
    image = turned(image, generator) if generator.random() < 0.6 else mirrored(image, generator)
    image = shifted(magnified(image, generator, low=0.92, high=1.08), generator, share=0.06)
    image = deformed(image, generator, low=1.5, high=1.5)
    return noisy(recoloured(image, generator), generator, low=0.05, high=0.05)


TRANSFORMATIONS: dict[str, Transformation] = {
    "none": lambda image, _: image,
    "mirrored": mirrored,
    "turned": turned,
    "tilted": tilted,
    "turned and tilted": turned_and_tilted,
    "shifted": shifted,
    "magnified": magnified,
    "recoloured": recoloured,
    "noisy": noisy,
    "deformed": deformed,
    "all at once": all_at_once,
}


def _placed(image: Image, scale: float, shift: Image) -> Image:
    middle = (image.shape[-1] - 1) / 2
    offset = middle - (middle + shift) / scale
    return np.stack(
        [ndimage.affine_transform(one, [1 / scale] * 2, offset, order=1, cval=float(one.min())) for one in image]
    )
