from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from monai.metrics import compute_hausdorff_distance, compute_surface_dice

from segmint.metrics.surface_distance import (
    DIRECTIONS,
    NAMES,
    RANGES,
    SurfaceDistances,
    hausdorff_95,
    normalised_surface_dice,
    surface_distances,
    within_tolerance,
)

masks = hnp.arrays(np.bool_, (4, 5, 3))


def nsd(distances: SurfaceDistances, tolerance: float) -> float:
    return float(normalised_surface_dice(*within_tolerance(distances, tolerance=tolerance)))


def blob(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """An ellipsoid at a random place with ragged edges, which may touch the edge of the image."""
    rng = np.random.default_rng(seed)
    grid = np.indices(shape)
    centre, radius = [rng.uniform(0.3, 0.7) * side for side in shape], [rng.uniform(0.2, 0.45) * s for s in shape]
    far = sum(((grid[i] - centre[i]) / radius[i]) ** 2 for i in range(len(shape)))
    return np.asarray(far + rng.normal(0, 0.15, shape) < 1)


def by_hand(prediction: np.ndarray, truth: np.ndarray, spacing: tuple[float, ...]) -> list[np.ndarray]:
    """All pairs of surface voxels."""

    def surface(mask: np.ndarray) -> np.ndarray:
        padded = np.pad(mask, 1)
        inside = padded.copy()
        for axis, step in itertools.product(range(mask.ndim), (-1, 1)):
            inside &= np.roll(padded, step, axis)
        return np.argwhere(padded & ~inside) * spacing

    ours, theirs = surface(prediction), surface(truth)
    table = np.sqrt(((ours[:, None] - theirs[None]) ** 2).sum(-1))
    return [table.min(axis=1), table.min(axis=0)]


def test_declares_what_it_is() -> None:
    assert set(NAMES) == set(DIRECTIONS) == set(RANGES)


@pytest.mark.parametrize(("shape", "spacing"), [((20, 17), (0.7, 1.9)), ((12, 14, 7), (0.5, 1.25, 3.0))])
def test_agree_with_monai_and_with_all_pairs(shape: tuple[int, ...], spacing: tuple[float, ...]) -> None:
    for seed in range(3):
        prediction, truth = blob(seed, shape), blob(seed + 10, shape)
        distances = surface_distances(prediction, truth, spacing=spacing)
        ours = np.sort(distances.from_prediction), np.sort(distances.from_truth)
        assert all(np.allclose(a, np.sort(b)) for a, b in zip(ours, by_hand(prediction, truth, spacing), strict=True))
        hot = [torch.from_numpy(x[None, None]).float() for x in (prediction, truth)]
        theirs = compute_hausdorff_distance(*hot, include_background=True, percentile=95, spacing=spacing)
        assert hausdorff_95(distances) == pytest.approx(float(theirs), rel=1e-5)
        for tolerance in (1.0, 2.5):
            close = compute_surface_dice(*hot, [tolerance], include_background=True, spacing=spacing)
            assert nsd(distances, tolerance) == pytest.approx(float(close), rel=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("steps", [1, 3])
def test_shifted_cube_and_anisotropic_spacing(axis: int, steps: int) -> None:
    truth = np.zeros((16, 16, 16), dtype=bool)
    truth[4:10, 4:10, 4:10] = True
    distances = surface_distances(np.roll(truth, steps, axis), truth, spacing=(1.0, 1.0, 1.0))
    assert hausdorff_95(distances) == pytest.approx(steps)
    assert nsd(distances, steps) == 1
    assert nsd(distances, steps - 0.01) < 1
    spacing = (0.7, 1.3, 4.0)
    stretched = surface_distances(np.roll(truth, steps, axis), truth, spacing=spacing)
    assert stretched.from_prediction.max() == pytest.approx(steps * spacing[axis])
    assert nsd(stretched, steps * spacing[axis]) == 1
    doubled = surface_distances(np.roll(truth, steps, axis), truth, spacing=[2 * step for step in spacing])
    assert hausdorff_95(doubled) == pytest.approx(2 * hausdorff_95(stretched))


def test_conventions_for_absent_labels() -> None:
    nothing, something = np.zeros((5, 5), dtype=bool), np.eye(5, dtype=bool)
    for prediction, truth in ((nothing, something), (something, nothing)):
        distances = surface_distances(prediction, truth, spacing=(1, 1))
        assert np.isnan(hausdorff_95(distances))
        assert nsd(distances, 100) == 0
    both = surface_distances(nothing, nothing, spacing=(1, 1))
    assert np.isnan(hausdorff_95(both))
    assert np.isnan(nsd(both, 1))


@settings(deadline=None, max_examples=20)
@given(masks, masks, st.tuples(*[st.floats(0.2, 5)] * 3))
def test_symmetric_and_perfect_on_itself(first: np.ndarray, second: np.ndarray, spacing: tuple[float, ...]) -> None:
    one, other = (surface_distances(*pair, spacing=spacing) for pair in ((first, second), (second, first)))
    assert np.array_equal(hausdorff_95(one), hausdorff_95(other), equal_nan=True)
    assert np.array_equal(nsd(one, 1.5), nsd(other, 1.5), equal_nan=True)
    itself = surface_distances(first, first, spacing=spacing)
    if first.any():
        assert (hausdorff_95(itself), nsd(itself, 0.0)) == (0, 1)


@pytest.mark.parametrize("spacing", [(1.0,), (1.0, 0.0), (1.0, 1.0, 1.0)])
def test_refuses_a_spacing_that_does_not_fit(spacing: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="spacing"):
        surface_distances(np.ones((2, 2), bool), np.ones((2, 2), bool), spacing=spacing)
    with pytest.raises(ValueError, match="one grid"):
        surface_distances(np.ones((2, 2), bool), np.ones((2, 3), bool), spacing=(1, 1))
