from __future__ import annotations

import numpy as np
import pytest

from segmint.data.phantoms.fields import FoldNoise, random_field
from segmint.data.phantoms.grid import Grid


@pytest.mark.parametrize("scale", [8.0, (12.0, 10.0, 6.0)])
def test_random_field_has_mean_0_and_variance_1(scale: float | tuple[float, float, float]) -> None:
    field = random_field(np.random.default_rng(0), Grid(size=48, slices=24), scale)
    assert field.dtype == np.float32
    assert field.mean() == pytest.approx(0, abs=0.1)
    assert field.std() == pytest.approx(1, abs=0.15)


def test_random_field_is_the_same_at_every_resolution() -> None:
    fine = Grid(size=96, slices=12)
    coarse = Grid(size=32, slices=12)
    one = fine.average(random_field(np.random.default_rng(1), fine, 20.0))
    two = coarse.average(random_field(np.random.default_rng(1), coarse, 20.0))
    np.testing.assert_allclose(one.reshape(32, 3, 32, 3, 12).mean((1, 3)), two, atol=0.02)


def test_random_field_is_smooth_over_its_scale() -> None:
    grid = Grid(size=64, slices=12)
    steps = [np.abs(np.diff(random_field(np.random.default_rng(2), grid, s), axis=0)).mean() for s in (6.0, 24.0)]
    assert steps[0] > 3 * steps[1]


def test_fold_noise_crosses_zero_about_every_two_scales() -> None:
    noise = FoldNoise(np.random.default_rng(0), 5.0)
    line = np.zeros((3, 4000), dtype=np.float32)
    line[0] = np.linspace(0, 115, 4000)
    rng = np.random.default_rng(1)
    crossings = [np.count_nonzero(np.diff(np.sign(noise(line + rng.uniform(0, 120, (3, 1)))))) for _ in range(40)]
    assert 115 / np.mean(crossings) == pytest.approx(10.0, rel=0.3)


def test_grid_average_keeps_the_mean_and_the_affine_the_centre() -> None:
    grid = Grid(size=40, slices=7)
    fine = np.random.default_rng(0).random(grid.fine_shape).astype(np.float32)
    assert grid.average(fine).mean() == pytest.approx(fine.mean(), rel=1e-5)
    middle = grid.affine() @ [(40 - 1) / 2, (40 - 1) / 2, (7 - 1) / 2, 1]
    np.testing.assert_allclose(middle[:3], [0, 0, 20], atol=1e-4)
