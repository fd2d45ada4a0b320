"""Mean squares of tables of seeds (or synthetic sets) and subjects, and their means resampled in their own standard errors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_BLOCK = 500
# Smallest variance of a resample, as a share of that of the sample: one that misses all that differs is no measure.
_SMALLEST_VARIANCE = 0.05


@dataclass(frozen=True)
class MeanSquares:
    """Of a table [I, J] with mean 0: between rows (0 where there is one row), between columns, and what is left."""

    rows: NDArray[np.float64]
    columns: NDArray[np.float64]
    rest: NDArray[np.float64]

    @property
    def variance(self) -> NDArray[np.float64]:
        """I J times the variance of the mean; not below what rows or columns alone make of it."""
        return np.maximum(self.rows + self.columns - self.rest, np.maximum(self.rows, self.columns))


def mean_squares(
    table: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> tuple[NDArray[np.float64], MeanSquares]:
    """Means [R] and mean squares of `table` [I, J] whose rows and columns count as often as `rows` [R, I], `columns` [R, J] say."""
    n_rows, n_columns = table.shape
    by_column = rows @ table / n_rows
    means = (by_column * columns).sum(axis=1) / n_columns
    between_columns = n_rows * (columns * (by_column - means[:, None]) ** 2).sum(axis=1)
    if n_rows == 1:
        nothing = np.zeros_like(means)
        return means, MeanSquares(nothing, between_columns / (n_columns - 1), nothing)
    by_row = columns @ table.T / n_columns
    between_rows = n_columns * (rows * (by_row - means[:, None]) ** 2).sum(axis=1)
    total = ((rows @ table**2) * columns).sum(axis=1) - table.size * means**2
    rest = np.maximum(total - between_rows - between_columns, 0.0)
    return means, MeanSquares(
        between_rows / (n_rows - 1), between_columns / (n_columns - 1), rest / ((n_rows - 1) * (n_columns - 1))
    )


def studentised(table: NDArray[np.float64], variance: float, *, resamples: int, seed: int) -> NDArray[np.float64]:
    """[resamples] means of resamples of `table` [I, J], whose mean is 0, each in its own standard errors."""
    rows, columns = table.shape
    seeds, subjects = _drawn(rows, resamples, seed, "seeds"), _drawn(columns, resamples, seed, "subjects")
    parts = []
    # In blocks, which the cache of a processor holds.
    for start in range(0, resamples, _BLOCK):
        block = slice(start, start + _BLOCK)
        means, squares = mean_squares(table, seeds[block].astype(np.float64), subjects[block].astype(np.float64))
        errors = np.sqrt(np.maximum(squares.variance, _SMALLEST_VARIANCE * variance) / table.size)
        parts.append(means / errors)
    return np.concatenate(parts)


@lru_cache(maxsize=8)
def _drawn(n: int, resamples: int, seed: int, what: str) -> NDArray[np.uint16]:
    """How often each of `n` units is drawn [resamples, n]; the same for every table of a trial."""
    generator = np.random.default_rng([seed, len(what)])
    # Kept small, as many tables of a trial may differ in the subjects that are scored; no unit is drawn 65536 times.
    counts = np.empty((resamples, n), dtype=np.uint16)
    for start in range(0, resamples, _BLOCK):
        part = counts[start : start + _BLOCK]
        part[:] = generator.multinomial(n, np.full(n, 1 / n), size=len(part))
    counts.flags.writeable = False
    return counts
