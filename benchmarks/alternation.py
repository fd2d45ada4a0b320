"""Timing of several things in alternating rounds, so that a machine's noise falls on all of them alike."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Rates:
    """Images a second of one contestant, one value a round."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median over rounds."""
        return median(self.rounds)

    def describe(self) -> str:
        """Median and range."""
        return f"{_three_digits(self.median)} ({_three_digits(min(self.rounds))} to {_three_digits(max(self.rounds))})"

    def ratio_to(self, other: Rates) -> str:
        """Ratio of medians, and the range of the ratios of single rounds."""
        single = [mine / theirs for mine, theirs in zip(self.rounds, other.rounds, strict=True)]
        return f"{self.median / other.median:.2f} ({min(single):.2f} to {max(single):.2f})"


def _three_digits(rate: float) -> str:
    """Large networks make less than one image a second, small ones thousands."""
    digits = max(0, 2 - math.floor(math.log10(rate)))
    return f"{rate:.{digits}f}"


def alternate(
    contestants: Mapping[str, Callable[[], None]],
    *,
    rounds: int,
    steps: int,
    batch: int,
    on_round: Callable[[str, int, float], None],
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Rates]:
    """Run one unmeasured step of each contestant, then `rounds` times `steps` steps of each, in turn.

    `on_round` is told name, round from 1 on, and images a second; seconds are those of `clock`.
    """
    for step in contestants.values():
        step()
    measured: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(1, rounds + 1):
        for name, step in contestants.items():
            start = clock()
            for _ in range(steps):
                step()
            rate = steps * batch / (clock() - start)
            measured[name].append(rate)
            on_round(name, number, rate)
    return {name: Rates(tuple(rates)) for name, rates in measured.items()}
