"""Planted sets of the forecast benchmark: what is wrong with each is known, how much it costs is measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import ndimage

from forecast_data import PAIRS, SIZE, Images, Labels, write_pairs
from segmint.data.case import Provenance
from segmint.data.dataset import open_dataset
from segmint.data.slices import open_slices

Pairs = tuple[Images, Labels]
Damage = Callable[[Images, Labels, np.random.Generator], Pairs]


def _shifted(pixels: int) -> Damage:
    def damage(images: Images, labels: Labels, rng: np.random.Generator) -> Pairs:
        ways = [(pixels, 0), (-pixels, 0), (0, pixels), (0, -pixels)]
        return images, np.stack([np.roll(one, ways[rng.integers(4)], axis=(0, 1)) for one in labels])

    return damage


def _dropped(images: Images, labels: Labels, rng: np.random.Generator) -> Pairs:
    """Every label of every pair is left out with a chance of one half."""
    gone = rng.random((len(labels), int(labels.max()) + 1)) < 0.5
    gone[:, 0] = False
    return images, np.where(
        np.take_along_axis(gone, labels.reshape(len(labels), -1), 1).reshape(labels.shape), 0, labels
    )


def _blurred(images: Images, labels: Labels, rng: np.random.Generator) -> Pairs:  # noqa: ARG001
    return ndimage.gaussian_filter(images, (0, 0, 1.5, 1.5)), labels


def _noisy(images: Images, labels: Labels, rng: np.random.Generator) -> Pairs:
    return np.clip(images + rng.normal(0, 0.3, images.shape), -1, 1).astype(np.float32), labels


def _half_swapped(images: Images, labels: Labels, rng: np.random.Generator) -> Pairs:  # noqa: ARG001
    """Every second pair has the mask of another image."""
    mixed = labels.copy()
    mixed[::2] = np.roll(labels[::2], 1, axis=0)
    return images, mixed


DAMAGES: dict[str, Damage] = {
    "truth": lambda images, labels, _: (images, labels),
    "shift 1 px": _shifted(1),
    "shift 2 px": _shifted(2),
    "shift 4 px": _shifted(4),
    "labels dropped": _dropped,
    "blur": _blurred,
    "noise": _noisy,
    "half swapped": _half_swapped,
}
COPIES = "copies"
PLANTED = (*DAMAGES, COPIES)


def plant(kind: str, real: Path, fresh: Path, folder: Path) -> None:
    """Write a set that says it was made by a generator which has seen the training subjects."""
    truth, rng = open_dataset(real), np.random.default_rng(PLANTED.index(kind))
    assert truth.split is not None
    slices = open_slices(truth if kind == COPIES else open_dataset(fresh), size=SIZE)
    indices = slices.indices(truth.split.train) if kind == COPIES else np.arange(len(slices))
    chosen = np.resize(rng.permutation(indices), PAIRS)
    images, labels = np.asarray(slices.images[chosen]), np.asarray(slices.labels[chosen])
    if kind != COPIES:
        images, labels = DAMAGES[kind](images, labels, rng)
    seen = tuple((truth.identity, subject) for subject in truth.split.train)
    made = Provenance(
        run=str(folder),
        checkpoint_sha256=f"planted {kind}",
        seed=0,
        recipe=f"planted: {kind}",
        labels_seen=seen,
        images_seen=seen,
        selected_on=tuple((truth.identity, subject) for subject in truth.split.validation),
    )
    names = [f"pair{number:04d}" for number in range(PAIRS)]
    write_pairs(folder, images, labels.astype(np.uint8), names, like=truth, provenance=made)
