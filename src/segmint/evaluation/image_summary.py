"""What is measured of each image of a set, once; comparisons of whole sets are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from segmint.evaluation.chosen import Chosen
from segmint.evaluation.networks import Network
from segmint.metrics.intensity_distance import intensity_histograms
from segmint.metrics.ms_ssim import ms_ssim, scales
from segmint.metrics.power_spectrum import radial_power
from segmint.reference.radiomics import radiomic_features

RADIOMICS = "radiomics"
# Pairs of images whose similarity is taken, and images that it takes at least.
PAIRS, FEWEST_IN_PAIRS = 400, 20
_BLOCK = 64

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class ImageSummary:
    """n images in numbers.

    Attributes:
        units: [n] the subject of each.
        features: by name of where they come from, [n, D]; NaN of images that what gives them has learned from.
        histograms: [n, 256] by channel and label (0: the whole image).
        spectra: [n, C, R].
        pairs: [p, 2] positions of images of different subjects; similarity: [p] of each pair. Empty below 11 pixels
            a side, and of fewer than 20 images or 2 subjects.
    """

    units: NDArray[np.int64]
    features: Mapping[str, Numbers]
    histograms: Mapping[tuple[int, int], Numbers]
    spectra: Numbers
    pairs: NDArray[np.int64]
    similarity: Numbers

    def new(self, name: str) -> NDArray[np.bool_]:
        """[n] whether an image has features of that name."""
        return np.asarray(~np.isnan(self.features[name]).any(axis=1))


def summarise(chosen: Chosen, networks: Mapping[str, Network], *, seed: int = 0) -> ImageSummary:
    """Measure images, read block by block.

    Args:
        networks: by name; radiomic features are added to theirs.
        seed: of the choice of pairs.
    """
    slices, units = chosen.slices, np.unique(chosen.subjects, return_inverse=True)[1].astype(np.int64)
    label_count = len(slices.dataset.label_names)
    radiomics, spectra = [], []
    histograms: dict[tuple[int, int], list[Numbers]] = {}
    for start in range(0, len(chosen.indices), _BLOCK):
        block = chosen.indices[start : start + _BLOCK]
        images, labels = np.asarray(slices.images[block]), np.asarray(slices.labels[block])
        radiomics.append(radiomic_features(images, labels, label_count=label_count))
        spectra.append(radial_power(images))
        for channel in range(images.shape[1]):
            for label in range(label_count):
                inside = labels == label if label else None
                counted = intensity_histograms(images[:, channel], inside=inside)
                histograms.setdefault((channel, label), []).append(counted)
    features = {name: network.of(chosen) for name, network in networks.items()}
    paired = scales(slices.size) and len(units) >= FEWEST_IN_PAIRS and len(np.unique(units)) > 1
    pairs = _pairs(units, np.random.default_rng(seed)) if paired else np.empty((0, 2), dtype=np.int64)
    return ImageSummary(
        units,
        {**features, RADIOMICS: np.concatenate(radiomics)},
        {key: np.concatenate(parts) for key, parts in histograms.items()},
        np.concatenate(spectra),
        pairs,
        _similarity(chosen, pairs),
    )


def _pairs(units: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    """Pairs of images of different subjects, each image about as often as any other."""
    rounds = [np.stack([generator.permutation(len(units)) for _ in range(2)], axis=1)]
    while sum(len(one) for one in rounds) < 2 * PAIRS:
        rounds.append(np.stack([generator.permutation(len(units)) for _ in range(2)], axis=1))
    drawn = np.concatenate(rounds)
    return np.asarray(drawn[units[drawn[:, 0]] != units[drawn[:, 1]]][:PAIRS])


def _similarity(chosen: Chosen, pairs: NDArray[np.int64]) -> Numbers:
    found = [np.empty(0)]
    for start in range(0, len(pairs), _BLOCK):
        first, second = (
            torch.from_numpy(np.asarray(chosen.slices.images[chosen.indices[side]]))
            for side in pairs[start : start + _BLOCK].T
        )
        found.append(ms_ssim(first, second).numpy().astype(np.float64))
    return np.concatenate(found)
