"""Hand-made features of an image and its mask: intensity, texture, and shape by label, each a number with a name.

First-order and grey-level co-occurrence features are the usual ones of radiomics [Zwanenburg 2020, Radiology 295(2); Haralick 1973,
IEEE SMC 3(6)], over the whole image, since most of it bears no label; of each label there is how much of it there is, where it
lies, how it is shaped, and how bright it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import graycomatrix

# Grey levels of the co-occurrence matrix, and its distances in pixels; its four directions are taken together.
LEVELS, DISTANCES = 24, (1, 3)
_ANGLES = (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
_PERCENTILES = (5, 25, 50, 75, 95)
_NOTHING = 1e-9

FIRST_ORDER = ("mean", "deviation", "skewness", "kurtosis", *(f"percentile {one}" for one in _PERCENTILES))
TEXTURE = ("contrast", "dissimilarity", "homogeneity", "energy", "entropy", "correlation")
SHAPE = ("area", "row", "column", "length", "elongation", "orientation", "compactness", "pieces")

Vector = NDArray[np.float64]


def radiomic_names(channel_names: tuple[str, ...], label_names: tuple[str, ...]) -> tuple[str, ...]:
    """What `radiomic_features` measures, in its order; `label_names` by id, background first."""
    names = []
    for channel in channel_names:
        names += [f"{channel} {one}" for one in FIRST_ORDER]
        names += [f"{channel} {one} at {distance} px" for distance in DISTANCES for one in TEXTURE]
        names += [f"{channel} gradient"]
    for label in label_names[1:]:
        names += [f"{label} {one}" for one in SHAPE]
        names += [f"{label} {channel} {one}" for channel in channel_names for one in ("mean", "deviation")]
    return tuple(names)


def radiomic_features(images: NDArray[np.float32], labels: NDArray[np.integer], *, label_count: int) -> Vector:
    """Measure images [n, C, S, S] in [-1, 1] with label maps [n, S, S]: float64 [n, D], as `radiomic_names` lists them.

    Of a label that a map does not hold all are 0. Lengths and places are shares of the image's side, places from its middle.
    """
    return np.stack(
        [
            np.concatenate(
                [
                    *(np.concatenate([_first_order(one), _texture(one), _gradient(one)]) for one in image),
                    *(_label(image, ids == label) for label in range(1, label_count)),
                ]
            )
            for image, ids in zip(np.asarray(images, dtype=np.float64), labels, strict=True)
        ]
    )


def _first_order(image: Vector) -> Vector:
    mean, deviation = image.mean(), image.std()
    standard = (image - mean) / (deviation + _NOTHING)
    squares = standard * standard
    moments = [mean, deviation, (squares * standard).mean(), (squares * squares).mean()]
    return np.concatenate([moments, np.percentile(image, _PERCENTILES)])


def _gradient(image: Vector) -> Vector:
    return np.array([np.hypot(*np.gradient(image)).mean()])


def _texture(image: Vector) -> Vector:
    levels = np.clip(((image + 1) / 2 * LEVELS).astype(np.uint8), 0, LEVELS - 1)
    counts = graycomatrix(levels, DISTANCES, _ANGLES, levels=LEVELS, symmetric=True)
    found = []
    for number in range(len(DISTANCES)):
        pairs = counts[:, :, number].sum(axis=-1, dtype=np.float64)
        found.append(_haralick(pairs / max(pairs.sum(), 1)))
    return np.concatenate(found)


def _haralick(share: Vector) -> Vector:
    """Of a symmetric matrix of shares [LEVELS, LEVELS]."""
    level = np.arange(LEVELS)
    apart = np.abs(level[:, None] - level[None])
    mean = (share.sum(axis=1) * level).sum()
    variance = (share.sum(axis=1) * (level - mean) ** 2).sum()
    covariance = (share * (level[:, None] - mean) * (level[None] - mean)).sum()
    return np.array(
        [
            (share * apart**2).sum(),
            (share * apart).sum(),
            (share / (1 + apart**2)).sum(),
            np.sqrt((share**2).sum()),
            -(share * np.log2(share + _NOTHING)).sum(),
            covariance / variance if variance > _NOTHING else 1.0,
        ]
    )


def _label(image: Vector, mask: NDArray[np.bool_]) -> Vector:
    if not mask.any():
        return np.zeros(len(SHAPE) + 2 * len(image))
    inside = image[:, mask]
    return np.concatenate([_shape(mask), np.stack([inside.mean(axis=1), inside.std(axis=1)], axis=1).ravel()])


def _shape(mask: NDArray[np.bool_]) -> Vector:
    side = mask.shape[-1]
    places = np.argwhere(mask)
    area = len(places)
    centre = places.mean(axis=0)
    # A pixel is a square, not a point: its own second moment is a twelfth.
    moments = np.cov(places.T, bias=True) + np.eye(2) / 12 if area > 1 else np.eye(2) / 12
    (minor, major), axes = np.linalg.eigh(moments)
    angle = np.arctan2(axes[1, 1], axes[0, 1])
    elongation = 1 - np.sqrt(minor / major)
    framed = np.pad(mask, 1)
    # Crossings of pixel sides, brought to the length of a boundary that runs in all directions alike.
    boundary = np.pi / 4 * sum(int(np.count_nonzero(np.diff(framed, axis=axis))) for axis in (0, 1))
    return np.array(
        [
            area / mask.size,
            (centre[0] + 0.5) / side - 0.5,
            (centre[1] + 0.5) / side - 0.5,
            4 * np.sqrt(major) / side,
            elongation,
            # Of a round shape there is none; it turns by half a circle.
            elongation * np.cos(2 * angle),
            4 * np.pi * area / boundary**2,
            ndimage.label(mask, structure=np.ones((3, 3)))[1],
        ]
    )
