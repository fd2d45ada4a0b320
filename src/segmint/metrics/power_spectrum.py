"""Radially averaged power spectra: how much of each spatial frequency images hold [Durall 2020, section 3; Frank 2020].

Upsampling leaves traces at the highest frequencies (checkerboards), blur takes these away, noise adds to them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

DIFFERENCE, DIFFERENCE_DIRECTION, DIFFERENCE_RANGE = "spectrum_difference", "lower", (0.0, float("inf"))
EXCESS, EXCESS_DIRECTION, EXCESS_RANGE = "high_frequency_excess", "zero", (float("-inf"), float("inf"))
PEAK, PEAK_DIRECTION, PEAK_RANGE = "highest_excess", "zero", (float("-inf"), float("inf"))

# Cycles a pixel from which on a frequency is called high: half of what a grid can show along its sides.
HIGH = 0.25
# Of the range of intensities squared: what is below it nobody can see, and rounding to 16 bits makes as much.
_NOTHING = 1e-9


def frequencies(side: int) -> NDArray[np.float64]:
    """Cycles a pixel [R] of the rings of images of a side, without the mean: 1 / S, 2 / S, .. up to the corner of the spectrum."""
    return np.arange(1, int(side / np.sqrt(2)) + 1) / side


def radial_power(images: ArrayLike) -> NDArray[np.float64]:
    """Mean power of images [n, C, S, S] in each ring of frequencies: [n, C, R].

    Under a Hann window, without which the jump from one edge to the opposite one would spread over all frequencies; scaled so that
    white noise of variance v has the power v everywhere.
    """
    values = np.asarray(images, dtype=np.float64)
    side = values.shape[-1]
    window = np.hanning(side + 2)[1:-1]
    plane = window[:, None] * window[None]
    centred = values - values.mean(axis=(-2, -1), keepdims=True)
    power = np.square(np.abs(np.fft.fft2(centred * plane))) / np.square(plane).sum()
    places = np.fft.fftfreq(side) * side
    rings = np.rint(np.hypot(places[:, None], places[None])).astype(np.int64).ravel()
    count = int(side / np.sqrt(2))
    members = np.bincount(rings, minlength=count + 1)[1 : count + 1]
    flat = power.reshape(-1, side * side)
    summed = np.stack([np.bincount(rings, weights=one, minlength=count + 1)[1 : count + 1] for one in flat])
    return np.asarray((summed / members).reshape(*values.shape[:2], count))


def spectrum_difference(first: ArrayLike, second: ArrayLike) -> float:
    """Mean absolute difference of two spectra [R] over all frequencies, decibel."""
    return float(np.abs(_decibel(first) - _decibel(second)).mean())


def high_frequency_excess(spectrum: ArrayLike, real: ArrayLike, *, side: int) -> float:
    """How much more a spectrum [R] holds above a quarter cycle a pixel than the real one, mean in decibel; below 0: less."""
    return float(_excess(spectrum, real, side=side).mean())


def highest_excess(spectrum: ArrayLike, real: ArrayLike, *, side: int) -> float:
    """The same at the one frequency above a quarter cycle a pixel where most is in excess: a checkerboard is a single one."""
    return float(_excess(spectrum, real, side=side).max())


def _excess(spectrum: ArrayLike, real: ArrayLike, *, side: int) -> NDArray[np.float64]:
    high = frequencies(side) >= HIGH
    return np.asarray((_decibel(spectrum) - _decibel(real))[high])


def _decibel(power: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(10 * np.log10(np.asarray(power, dtype=np.float64) + _NOTHING))
