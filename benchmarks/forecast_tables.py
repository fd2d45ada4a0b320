"""What the forecast benchmark found, as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from forecast_analysis import ALL_INPUTS, INPUTS, Input, Record, correlate, fit, inputs_of, left_out_forecasts

# Sets with two seeds below which nothing is said of how they differ.
_FEWEST = 10


def gains_table(records: Sequence[Record], alone: NDArray[np.float64]) -> str:
    """A row a set: points of Dice it adds, its Dice alone as a share of that of real pairs, some of its quantities."""
    rows = [
        (
            record.dataset,
            record.name,
            f"{100 * record.gain:+.1f}",
            f"{share:.2f}" if np.isfinite(share) else "–",
            *(f"{record.quantities.get(one.quantity, float('nan')):.2f}" for one in INPUTS),
        )
        for record, share in zip(records, alone, strict=True)
    ]
    return _table(["dataset", "set", "points gained", "100F / 100R", *(one.quantity for one in INPUTS)], rows)


def correlation_table(records: Sequence[Record], by_seed: NDArray[np.float64], alone: NDArray[np.float64]) -> str:
    """A row a quantity, the strongest first, then the forecast; how far the gain goes with itself says what is the most to be had.

    Args:
        by_seed: [n, seeds] gains.
        alone: [n] Dice of the set alone over that of real pairs.
    """
    error = measurement_error(by_seed)
    # Without a second seed nothing is known of it; the spread makes a forecast timid.
    softness = float(np.nanmean(by_seed, axis=1).std()) if np.isnan(error) else error
    unplanted = [number for number, record in enumerate(records) if not record.planted]
    names = sorted({name for record in records for name in record.quantities})
    numbers = {name: np.array([one.quantities.get(name, np.nan) for one in records]) for name in names}
    numbers["100F / 100R (needs a training)"] = alone
    numbers["**forecast**, each dataset by the others"] = left_out_forecasts(records, error=softness)
    numbers["forecast of all four inputs, likewise"] = left_out_forecasts(records, error=softness, chosen=ALL_INPUTS)
    rows = []
    for name, values in numbers.items():
        cells = [
            correlate([records[i] for i in chosen], values[list(chosen)], within=within)
            for chosen in (range(len(records)), unplanted)
            for within in (False, True)
        ]
        rows.append((name, cells))
    rows.sort(key=lambda row: -abs(np.nan_to_num(row[1][0].value)))
    table = _table(
        ["quantity", "all sets", "all, within datasets", "not planted", "not planted, within datasets"],
        [(name, *map(str, cells)) for name, cells in rows],
    )
    fitted = [_fitted(records, softness, chosen) for chosen in (INPUTS, ALL_INPUTS)]
    return "\n\n".join([_heading(records, by_seed, error), table, *fitted])


def measurement_error(by_seed: NDArray[np.float64]) -> float:
    """Standard error of a mean over seeds, from how seeds differ in all sets that have them; NaN in too few."""
    whole = by_seed[np.isfinite(by_seed).all(axis=1)]
    if len(whole) < _FEWEST:
        return float("nan")
    return float(np.sqrt(whole.var(axis=1, ddof=1).mean() / whole.shape[1]))


def _heading(records: Sequence[Record], by_seed: NDArray[np.float64], error: float) -> str:
    gains = np.nanmean(by_seed, axis=1)
    whole = by_seed[np.isfinite(by_seed).all(axis=1)]
    planted = sum(record.planted for record in records)
    runs = len({(record.dataset, record.run) for record in records if not record.planted})
    said = (
        f"{len(records)} sets, {planted} planted and {len(records) - planted} of {runs} trainings; {int((gains > 0).sum())} gain."
        f" Spread of gains {100 * gains.std():.2f} points."
    )
    if np.isnan(error):
        return f"{said} Fewer than {_FEWEST} have the gain of more than one seed."
    again = stats.spearmanr(whole[:, 0], whole[:, 1]).statistic
    return (
        f"{said} Of {len(whole)} there are two seeds: standard error of their mean {100 * error:.2f} points, rank correlation of"
        f" the one with the other {again:.2f}."
    )


def _fitted(records: Sequence[Record], error: float, chosen: Sequence[Input]) -> str:
    """The forecast fitted to all, and how often forecasts of left-out datasets are on the right side."""
    gains = np.array([record.gain for record in records])
    found = fit(inputs_of(records, chosen), gains, error=error)
    told = left_out_forecasts(records, error=error, chosen=chosen)
    right = ((told > 0.5) == (gains > 0)).mean()
    brier = float(np.mean((told - (gains > 0)) ** 2))
    base = float(np.mean(((gains > 0).mean() - (gains > 0)) ** 2))
    weights = ", ".join(
        f"{one.quantity} {weight:.3f} (mean {centre:.4f}, spread {spread:.4f})"
        for one, weight, centre, spread in zip(chosen, found.weights, found.centre, found.spread, strict=True)
    )
    return (
        f"Fitted to all: weights of standardised inputs {weights}; intercept {found.intercept:.3f}. Left out: on the right side of"
        f" no gain {100 * right:.0f}% of the time; Brier score {brier:.3f}, of the base rate {base:.3f}."
    )


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in [headings, *rows]]
    return "\n".join([lines[0], "|" + "---|" * len(headings), *lines[1:]])
