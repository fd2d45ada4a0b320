from __future__ import annotations

import numpy as np
import pytest

from segmint.data.phantoms.shapes import blend, coverage, ellipsoid, smooth_step, tapered_tube


def points(*places: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, y, z = np.array(places, dtype=np.float32).T
    return x, y, z


def test_a_ball_has_exact_distances() -> None:
    distance = ellipsoid(points((3, 0, 0), (0, 5, 0), (0, 0, 9)), (0, 0, 0), (5, 5, 5))
    np.testing.assert_allclose(distance, [-2, 0, 4], atol=1e-4)


def test_an_ellipsoid_is_exact_at_its_surface() -> None:
    distance = ellipsoid(points((3.1, 0, 0), (0, 5.9, 0), (1, 2, 9)), (0, 0, 0), (3, 6, 9))
    np.testing.assert_allclose(distance[:2], [0.1, -0.1], atol=0.01)
    assert distance[2] > 0


def test_a_tube_tapers() -> None:
    tube = tapered_tube(points((0, 0, 2), (10, 0, 4), (5, 0, 3), (-2, 0, 0)), (0, 0, 0), (10, 0, 0), (2, 4))
    np.testing.assert_allclose(tube, 0, atol=1e-5)


def test_blend_is_the_union_away_from_the_crease() -> None:
    one, two = np.array([0.0, 1.0, 5.0], np.float32), np.array([9.0, 1.0, 0.5], np.float32)
    np.testing.assert_allclose(blend(one, two, 2.0), [0.0, 0.5, 0.5])


def test_coverage_and_step_run_from_0_to_1() -> None:
    edge = np.array([-2, -0.5, 0, 0.5, 2], np.float32)
    np.testing.assert_allclose(coverage(edge, 2.0), [1, 0.75, 0.5, 0.25, 0])
    np.testing.assert_allclose(smooth_step(edge, -0.5, 0.5), [0, 0, 0.5, 1, 1], atol=1e-6)
    assert smooth_step(np.array([3.0], np.float32), 0, 6)[0] == pytest.approx(0.5)
