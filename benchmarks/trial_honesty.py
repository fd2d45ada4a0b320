"""How honest a trial is: how often its intervals cover the truth, and how often it claims what is not there.

python benchmarks/trial_honesty.py
python benchmarks/trial_honesty.py --real --out DIR

The first simulates tables of subjects x seeds whose true mean is 0, with standard deviations (between subjects, between
seeds, what is left) as in real trials, and prints for each number of subjects and seeds how many percent of the intervals
miss 0: the percentile interval of the crossed bootstrap, and the studentised one that a trial gives. On a difference between
arms, to miss is to claim one that is not there. 5 percent is right; more is too narrow. Then the same over two to four generators,
of which each serves two seeds: the interval that takes generators for seeds, and the one that a trial gives.

The second trains: repetitions of equal arms (real slices alone, under other seeds), and of 100R against 50R, on a phantom,
and prints how many of each were claimed to differ. A stopped call goes on where it stopped, cell by cell.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from real_trials import Repetitions
from segmint.evaluation.statistics import bootstrap_mean

SUBJECTS, SEEDS = (5, 10, 15, 20, 30), (2, 3, 5)
GENERATORS, SEEDS_EACH = (2, 3, 4), 2
# How much generators differ, in standard errors of the mean over 20 subjects.
SPREADS = (0.0, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Scores:
    """Standard deviations in points of Dice: between subjects, between seeds, and what is left.

    `skewed` subjects follow an exponential distribution with the long tail downwards, as Dice has it; the rest is normal.
    """

    name: str
    subject: float
    seed: float
    rest: float
    skewed: bool = False

    def drawn(self, rng: np.random.Generator, *, seeds: int, subjects: int) -> NDArray[np.float64]:
        """[seeds, subjects] with true mean 0."""
        unit = 1 - rng.exponential(size=subjects) if self.skewed else rng.normal(size=subjects)
        return np.asarray(
            self.subject * unit
            + self.seed * rng.normal(size=(seeds, 1))
            + self.rest * rng.normal(size=(seeds, subjects))
        )


# Fitted by analysis of variance to trials on the datasets named: msd-hippocampus (30 subjects, 3 seeds), lgg-mri (15
# subjects, 3 seeds), brain phantom (20 subjects, 2 seeds). Equal arms in the strict sense, one arm under other seeds, have the
# variances of 100R twice, and none between subjects.
MEANS = (
    Scores("mean Dice as of msd-hippocampus, skewed", 4.5, 0.25, 0.8, skewed=True),
    Scores("mean Dice as of lgg-mri", 27.0, 0.8, 8.7),
)
DIFFERENCES = (
    Scores("100R+300F minus 100R as of msd-hippocampus", 1.84, 0.1, 0.95),
    Scores("100F minus 100R as of msd-hippocampus, skewed", 3.7, 0.3, 1.32, skewed=True),
    Scores("100R+300F minus 100R as of lgg-mri", 7.65, 1.7, 9.76),
    Scores("100F minus 100R as of the brain phantom", 5.0, 0.0, 5.0),
    Scores("100R minus itself as of msd-hippocampus", 0.0, 0.3, 0.9),
    Scores("100R minus itself as of lgg-mri", 0.0, 1.2, 12.2),
)


def main() -> None:
    """Print one line for each number of subjects."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--tables", type=int, default=2000, help="simulated tables for each number of subjects and seeds"
    )
    parser.add_argument("--resamples", type=int, default=1000, help="bootstrap draws of each interval")
    parser.add_argument("--only", default="", help="only the settings whose name holds this")
    parser.add_argument("--real", action="store_true", help="train instead of simulating")
    Repetitions.add_options(parser)
    given = parser.parse_args()
    if given.real:
        for line in Repetitions.of(given).run():
            print(line, flush=True)
        return
    for what, settings in (("means", MEANS), ("differences between equal arms", DIFFERENCES)):
        for scores in settings:
            if given.only in scores.name:
                for line in misses(scores, what=what, tables=given.tables, resamples=given.resamples):
                    print(line, flush=True)
    for scores in DIFFERENCES[:3]:
        if given.only in scores.name:
            for line in misses_over_generators(scores, tables=given.tables, resamples=given.resamples):
                print(line, flush=True)


def misses(scores: Scores, *, what: str, tables: int, resamples: int) -> Iterator[str]:
    """Lines of percent missed, the percentile interval's before the studentised one's."""
    yield (
        f"{what}: {scores.name} (subjects {scores.subject:g}, seeds {scores.seed:g}, rest {scores.rest:g}); percent of "
        f"{tables} intervals that miss, percentile / studentised, with {', '.join(map(str, SEEDS))} seeds"
    )
    for subjects in SUBJECTS:
        cells = []
        for seeds in SEEDS:
            rng = np.random.default_rng([subjects, seeds])
            draws = _draws(seeds, resamples, rng), _draws(subjects, resamples, rng)
            missed = np.zeros(2)
            for _ in range(tables):
                table = scores.drawn(rng, seeds=seeds, subjects=subjects)
                ours = bootstrap_mean(table, resamples=resamples)
                for place, (low, high) in enumerate((percentile_interval(table, *draws), ours.interval)):
                    missed[place] += not low <= 0 <= high
            cells.append(" / ".join(f"{100 * share / tables:4.1f}" for share in missed))
        yield f"  {subjects:2d} subjects   " + "   ".join(cells)


def misses_over_generators(scores: Scores, *, tables: int, resamples: int) -> Iterator[str]:
    """Lines of percent missed where seeds share generators, those of the interval that takes generators for seeds first."""
    yield (
        f"over generators: {scores.name}; percent of {tables} intervals that miss, generators as seeds / as generators, with "
        f"{', '.join(map(str, GENERATORS))} generators of {SEEDS_EACH} seeds, 20 subjects"
    )
    for spread in SPREADS:
        cells = []
        for generators in GENERATORS:
            rng = np.random.default_rng([round(10 * spread), generators])
            units = [seed % generators for seed in range(SEEDS_EACH * generators)]
            missed = np.zeros(2)
            for _ in range(tables):
                shifts = spread * scores.subject / np.sqrt(20) * rng.normal(size=(generators, 1))
                table = scores.drawn(rng, seeds=len(units), subjects=20) + shifts[units]
                by_generator = table.reshape(SEEDS_EACH, generators, 20).mean(axis=0)
                intervals = (
                    bootstrap_mean(by_generator, resamples=resamples).interval,
                    bootstrap_mean(table, units=units, resamples=resamples).interval,
                )
                missed += [not low <= 0 <= high for low, high in intervals]
            cells.append(" / ".join(f"{100 * share / tables:4.1f}" for share in missed))
        yield f"  generators differ by {spread:g}   " + "   ".join(cells)


def percentile_interval(
    table: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> tuple[float, float]:
    """95% of the means of the crossed bootstrap, weights stretched by sqrt(n / (n - 1)) [Rao and Wu 1988, JASA 83]."""
    mean = table.mean()
    means = mean + ((rows @ (table - mean)) * columns).sum(axis=1) / table.size
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _draws(n: int, resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=resamples)
    return np.asarray(1 + np.sqrt(n / (n - 1)) * (drawn - 1.0))


if __name__ == "__main__":
    main()
