from __future__ import annotations

from pathlib import Path

import numpy as np

from segmint.data.dataset import open_dataset
from segmint.data.pool import PairPool, PoolPart
from segmint.data.slices import open_slices
from segmint.reference.nearest import nearest_training_images


def test_a_copy_is_found_and_its_distance_is_the_noise_put_on_it(discs: Path) -> None:
    slices = open_slices(open_dataset(discs), size=32)
    pool = PairPool([PoolPart(slices, np.arange(len(slices)))])
    copied = np.array([5, 17, 2])
    images, _ = pool.read(copied)
    exact = nearest_training_images(images, pool)
    assert exact.positions.tolist() == copied.tolist()
    assert np.allclose(exact.distances, 0, atol=1e-6)
    noisy = nearest_training_images(
        images + np.random.default_rng(0).normal(0, 0.02, images.shape).astype(np.float32), pool
    )
    assert noisy.positions.tolist() == copied.tolist()
    assert np.allclose(noisy.distances, 0.02, rtol=0.1)


def test_it_equals_brute_force(discs: Path) -> None:
    slices = open_slices(open_dataset(discs), size=32)
    pool = PairPool([PoolPart(slices, np.arange(len(slices)))])
    images = np.random.default_rng(1).uniform(-1, 1, (4, 1, 32, 32)).astype(np.float32)
    every = np.sqrt(np.square(images[:, None] - pool.read(np.arange(len(pool)))[0][None]).mean(axis=(2, 3, 4)))
    found = nearest_training_images(images, pool)
    assert found.positions.tolist() == every.argmin(axis=1).tolist()
    assert np.allclose(found.distances, every.min(axis=1), rtol=1e-4)
