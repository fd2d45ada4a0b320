from __future__ import annotations

import math

import numpy as np
import pytest

from segmint.evaluation.convergence import LARGEST_GAIN, all_converged, find_peak, last_fifth_gain


def curve(dice: object, ticks: int = 20) -> list[tuple[int, float]]:
    share = np.arange(1, ticks + 1) / ticks
    return [(round(12_800 * x), float(y)) for x, y in zip(share, dice(share), strict=True)]  # type: ignore[operator]


@pytest.mark.parametrize("ticks", [10, 20, 40])
def test_steady_rise_is_measured_exactly(ticks: int) -> None:
    assert last_fifth_gain([curve(lambda x: 0.3 + 0.5 * x, ticks)]) == pytest.approx(0.1)


def test_rise_that_levels_off_is_not_missed() -> None:
    def rising(x: np.ndarray) -> np.ndarray:
        return 0.9 * (1 - np.exp(-2.5 * x))

    true_gain = float(rising(np.array(1.0)) - rising(np.array(0.8)))
    measured = last_fifth_gain([curve(rising)])
    assert true_gain > LARGEST_GAIN
    assert true_gain <= measured < 1.5 * true_gain


def test_flat_noise_rarely_looks_like_learning() -> None:
    rng = np.random.default_rng(0)
    noisy = [[curve(lambda x: 0.85 + rng.normal(0, 0.005, x.shape)) for _ in range(3)] for _ in range(200)]
    fired = np.mean([last_fifth_gain(curves) > LARGEST_GAIN for curves in noisy])
    assert fired < 0.08
    last_value_alone = np.mean([np.mean([c[-1][1] - c[15][1] for c in curves]) > LARGEST_GAIN for curves in noisy])
    assert fired < last_value_alone


def test_one_bad_validation_is_no_gain() -> None:
    measured = [0.849, 0.848, 0.853, 0.831, 0.856, 0.848, 0.854, 0.857, 0.861]
    noisy = [(images, dice) for images, dice in zip(range(7680, 12801, 640), measured, strict=True)]
    assert 0 < last_fifth_gain([noisy]) <= LARGEST_GAIN


def test_true_gain_is_found_through_the_same_noise() -> None:
    rng = np.random.default_rng(1)
    noisy = [[curve(lambda x: 0.7 + 0.05 * x + rng.normal(0, 0.005, x.shape)) for _ in range(3)] for _ in range(100)]
    assert np.mean([last_fifth_gain(curves) > LARGEST_GAIN for curves in noisy]) > 0.9


def test_falling_dice_is_no_gain() -> None:
    assert last_fifth_gain([curve(lambda x: 0.9 - 0.2 * x)]) < 0


def test_mean_over_seeds_and_missing_values() -> None:
    rising, flat = curve(lambda x: x / 2), curve(lambda x: 0 * x)
    assert last_fifth_gain([rising, flat]) == pytest.approx(0.05)
    assert last_fifth_gain([rising, [(images, math.nan) for images, _ in rising]]) == pytest.approx(0.1)


def test_coarse_curve_is_interpolated() -> None:
    assert last_fifth_gain([[(50, 0.4), (100, 0.5)]]) == pytest.approx(0.04)


def test_all_have_converged_where_each_has() -> None:
    assert all_converged([0.005, -0.1]) is True
    assert all_converged([0.0051, math.nan]) is False
    assert all_converged([0.0, math.nan]) is None


def test_nothing_to_judge() -> None:
    assert math.isnan(last_fifth_gain([]))
    assert math.isnan(last_fifth_gain([[(100, 0.5)]]))


def test_a_peak_before_the_end_is_found() -> None:
    """Rises to 0.6 at 40 percent of the steps and loses 12 points since."""
    risen = curve(lambda x: np.where(x < 0.4, 1.5 * x, 0.6 - 0.2 * (x - 0.4)))
    peak = find_peak([risen, risen])
    assert peak is not None
    assert peak.over_trained
    assert peak.share == pytest.approx(0.45, abs=0.05), "smoothed over the steps that lead up to it"
    assert peak.fall == pytest.approx(0.1, abs=0.011), "two points are lost inside the last window"


def test_what_rises_to_its_end_has_its_peak_there() -> None:
    peak = find_peak([curve(lambda x: x / 2), curve(lambda x: x / 3)])
    assert peak is not None
    assert (peak.share, peak.fall, peak.over_trained) == (1.0, 0.0, False)


def test_noise_alone_is_no_over_training() -> None:
    rng = np.random.default_rng(2)
    noisy = [[curve(lambda x: 0.6 + rng.normal(0, 0.02, x.shape)) for _ in range(3)] for _ in range(200)]
    assert np.mean([getattr(find_peak(curves), "over_trained", True) for curves in noisy]) < 0.1


def test_a_peak_of_nothing() -> None:
    assert find_peak([]) is None
    assert find_peak([[(10, math.nan), (20, 0.5)]]) is None
