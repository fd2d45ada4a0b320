"""Can the gain of adding synthetic pairs be told beforehand? Sets of known worth, their gain, and what correlates with it.

Usage: python benchmarks/forecast.py --out DIR [--report]

On three datasets at 32 px, pairs are planted (true ones, damaged in known ways, copies) and drawn from recipes at several
lengths of training; what each set adds to a few real subjects is measured by trials, what `segmint evaluate` sees in it by the
quantities of a forecast. Everything is kept in DIR, and a call that was stopped goes on.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from forecast_analysis import Record
from forecast_cells import ALONE, MIXED, measure
from forecast_data import Source, prepare, sources
from forecast_generated import TRAININGS, Training, draw, train
from forecast_planted import PLANTED, plant
from forecast_seen import look
from forecast_tables import correlation_table, gains_table
from segmint.evaluation.arms import REAL_ARM
from segmint.evaluation.cells import is_finished

SEEDS = 2
# Further shifts and swaps come last: what they are like is known from the others.
LATER = ("shift 1 px", "shift 4 px", "half swapped")


@dataclass(frozen=True)
class Set:
    """A synthetic set; `run` is what sets of one training share, `make` writes it to `folder`."""

    name: str
    run: str
    planted: bool
    folder: Path
    make: Callable[[], None]


@dataclass(frozen=True)
class Place:
    """One dataset of the benchmark, in a folder of its own."""

    source: Source
    folder: Path

    def datasets(self) -> tuple[Path, Path]:
        """Of real pairs and of fresh ones; made where they are not there yet."""
        return prepare(self.source, self.folder)

    def sets(self) -> Iterator[Set]:
        """Every synthetic set, whether it is there yet or not."""
        for kind in PLANTED:
            target = self._target(kind)
            yield Set(kind, kind, True, target, partial(self._plant, kind, target))
        for training in TRAININGS:
            for length in training.lengths:
                target = self._target(f"{training.recipe} {length}")
                name, make = f"{training.recipe}, {length} images", partial(self._draw, training, length, target)
                yield Set(name, training.recipe, False, target, make)

    def _plant(self, kind: str, target: Path) -> None:
        plant(kind, *self.datasets(), target)

    def _draw(self, training: Training, length: int, target: Path) -> None:
        folder = self.folder / "runs" / training.recipe
        train(training, self.datasets()[0], folder)
        draw(folder, length, target)

    def dice(self, arm: str, seed: int, synthetic: Path | None = None) -> float:
        """Mean over test subjects."""
        name = "real" if synthetic is None else synthetic.name
        folder = self._cell(name, arm, seed)
        by_subject = measure(self.datasets()[0], synthetic, arm, seed, folder, steps=self.source.steps)
        return float(np.nanmean(list(by_subject.values())))

    def gains(self, synthetic: Path) -> list[float]:
        """Dice of all real and thrice as many synthetic pairs less that of the real ones alone, by seed; NaN of later ones."""
        return [
            self.dice(MIXED, seed, synthetic) - self.dice(REAL_ARM, seed) if self._has_gain(synthetic, seed) else np.nan
            for seed in range(SEEDS)
        ]

    def share_alone(self, synthetic: Path) -> float:
        """Dice of as many synthetic pairs over that of the real ones; NaN where it was not measured."""
        if not is_finished(self._cell(synthetic.name, ALONE, 0)):
            return float("nan")
        return self.dice(ALONE, 0, synthetic) / self.dice(REAL_ARM, 0)

    def quantities(self, synthetic: Path) -> dict[str, float]:
        """What is seen of it without a segmenter that learns from it."""
        return look(self.datasets()[0], synthetic, self._seen(synthetic))

    def is_finished(self, synthetic: Path) -> bool:
        """Whether its gain, with the first seed at least, and its quantities were measured."""
        return self._has_gain(synthetic, 0) and self._seen(synthetic).exists()

    def _has_gain(self, synthetic: Path, seed: int) -> bool:
        return all(is_finished(self._cell(*one, seed)) for one in (("real", REAL_ARM), (synthetic.name, MIXED)))

    def say(self, what: str, value: float | None = None) -> None:
        """A line of progress."""
        told = what if value is None else f"{what}: {value:.3f}"
        print(f"{time.strftime('%H:%M:%S')} {self.source.name}: {told}", flush=True)

    def _cell(self, name: str, arm: str, seed: int) -> Path:
        return self.folder / "cells" / name / f"{arm}-seed{seed}"

    def _seen(self, synthetic: Path) -> Path:
        return self.folder / "quantities" / f"{synthetic.name}.json"

    def _target(self, name: str) -> Path:
        return self.folder / "sets" / name.replace(" ", "-")


def main() -> None:
    """Make, measure, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder that keeps everything")
    parser.add_argument("--report", action="store_true", help="only tell of the sets that are finished")
    options = parser.parse_args()
    places = [Place(source, options.out / source.name) for source in sources()]
    if not options.report:
        run(places)
    print(report(places))


def run(places: Sequence[Place]) -> None:
    """Everything, so that there is something to tell of most sets early; a line for all that was done."""
    every = [(place, one) for place in places for one in place.sets()]
    for place, one in every:
        if not one.folder.exists():
            one.make()
            place.say(one.name)
    first = [(place, one) for place, one in every if one.name not in LATER]
    for chosen in (first, every):
        for seed in range(SEEDS):
            for place in places:
                place.say(f"{REAL_ARM}, seed {seed}", place.dice(REAL_ARM, seed))
            for place, one in chosen:
                place.say(f"{MIXED} of {one.name}, seed {seed}", place.dice(MIXED, seed, one.folder))
            for place, one in chosen:
                place.say(f"alignment of {one.name}", place.quantities(one.folder)["alignment"])
    for place, one in every:
        place.say(f"{ALONE} of {one.name}, seed 0", place.dice(ALONE, 0, one.folder))


def report(places: Sequence[Place]) -> str:
    """Gains of all finished sets, then what correlates with them, as tables in Markdown."""
    found = [(place, one) for place in places for one in place.sets() if place.is_finished(one.folder)]
    if len({place.source.name for place, _ in found}) < len(places):
        return "Nothing can be told yet: there is a dataset no set of which is finished."
    by_seed = np.array([place.gains(one.folder) for place, one in found])
    records = [
        Record(place.source.name, one.name, one.run, one.planted, float(gain), place.quantities(one.folder))
        for (place, one), gain in zip(found, np.nanmean(by_seed, axis=1), strict=True)
    ]
    alone = np.array([place.share_alone(one.folder) for place, one in found])
    return "\n\n".join([gains_table(records, alone), correlation_table(records, by_seed, alone)])


if __name__ == "__main__":
    main()
