from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from segmint.metrics import power_spectrum
from segmint.metrics.power_spectrum import (
    frequencies,
    high_frequency_excess,
    highest_excess,
    radial_power,
    spectrum_difference,
)

SIDE = 32


def pictures(n: int = 30, *, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(n, 1, SIDE, SIDE))
    return ndimage.gaussian_filter(noise, (0, 0, 1, 1)) * 0.5


def spectrum(images: np.ndarray) -> np.ndarray:
    return radial_power(images).mean(axis=0)[0]


def excess(images: np.ndarray) -> tuple[float, float, float]:
    mine, real = spectrum(images), spectrum(pictures(seed=1))
    return (
        spectrum_difference(mine, real),
        high_frequency_excess(mine, real, side=SIDE),
        highest_excess(mine, real, side=SIDE),
    )


def test_each_declares_what_it_is() -> None:
    assert power_spectrum.DIFFERENCE_DIRECTION == "lower"
    assert power_spectrum.EXCESS_DIRECTION == power_spectrum.PEAK_DIRECTION == "zero"


def test_white_noise_has_its_variance_at_every_frequency() -> None:
    power = spectrum(np.random.default_rng(0).normal(0, 0.3, size=(400, 1, SIDE, SIDE)))
    assert len(power) == len(frequencies(SIDE))
    assert power == pytest.approx(np.full(len(power), 0.09), rel=0.15)


def test_a_wave_is_found_at_its_frequency() -> None:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    wave = np.cos(2 * np.pi * (3 * rows + 4 * columns) / SIDE)[None, None]
    assert frequencies(SIDE)[spectrum(wave).argmax()] == pytest.approx(5 / SIDE)


def test_brightness_does_not_count_and_real_images_differ_little() -> None:
    assert spectrum(pictures() + 0.3) == pytest.approx(spectrum(pictures()), rel=1e-6)
    assert all(abs(value) < 1 for value in excess(pictures(60, seed=2)))


def test_blur_noise_and_checkerboards_move_it_in_their_direction() -> None:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    blurred = [excess(ndimage.gaussian_filter(pictures(), (0, 0, width, width)))[1] for width in (0, 0.5, 1)]
    assert blurred == sorted(blurred, reverse=True)
    assert blurred[-1] < -2
    noise = np.random.default_rng(3).normal(size=pictures().shape)
    noisy = [excess(pictures() + amount * noise)[1] for amount in (0, 0.05, 0.2)]
    assert noisy == sorted(noisy)
    assert noisy[-1] > 2
    board = 0.03 * (-1.0) ** (rows + columns)
    assert excess(pictures() + board)[2] > excess(pictures())[2] + 6
    assert excess(pictures() + board)[2] > excess(pictures() + board)[1] + 6, "one frequency stands out"
    assert excess(pictures() + board)[0] > excess(pictures())[0]
