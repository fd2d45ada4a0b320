"""Repeated trials that train, of arms whose difference is known; the part of `trial_honesty.py` that takes hours."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

import segmint
from segmint.data.dataset import open_dataset
from segmint.data.split import make_split
from segmint.evaluation.arms import REAL_ARM
from segmint.evaluation.conduct import run_cells
from segmint.evaluation.design import design_trial
from segmint.evaluation.statistics import Estimate
from segmint.evaluation.summary import collect_scores, dice_difference
from segmint.evaluation.trial_folder import opened_trial_folder
from segmint.training.segmenter import train_segmenter

LESS = "50R"
# Few subjects for training, where half of them is felt, and many for test.
_FRACTIONS = (0.1, 0.1, 0.8)


@dataclass(frozen=True)
class Repetitions:
    """So many trials of each kind, each on a phantom of its own, four fifths of whose subjects are tested."""

    out: Path
    repetitions: int
    subjects: int
    size: int
    steps: int
    seeds: int

    @staticmethod
    def add_options(parser: argparse.ArgumentParser) -> None:
        """The options of `--real`."""
        group = parser.add_argument_group("with --real")
        group.add_argument("--out", type=Path, help="folder that keeps everything")
        group.add_argument("--repetitions", type=int, default=40, help="trials of each kind")
        group.add_argument("--subjects", type=int, default=40, help="phantom subjects, four fifths of which are tested")
        group.add_argument("--size", type=int, default=32, help="side of the slices in pixels")
        group.add_argument("--steps", type=int, default=300, help="optimiser steps of each segmenter")
        group.add_argument("--seeds", type=int, default=5, help="segmenters of each arm")

    @classmethod
    def of(cls, given: argparse.Namespace) -> Repetitions:
        """From what the command line gave."""
        if given.out is None:
            raise SystemExit("--real keeps its cells: name a folder with --out.")
        return cls(given.out, given.repetitions, given.subjects, given.size, given.steps, given.seeds)

    def run(self) -> Iterator[str]:
        """A line a repetition, then how many of each kind were claimed to differ."""
        same: list[Estimate] = []
        less: list[Estimate] = []
        for number in range(self.repetitions):
            folder = self.out / f"repetition{number:02d}"
            # As many seeds again: two halves of 100R are equal arms. Which seed is in which half differs by repetition, since a
            # seed's first weights are the same in all of them.
            part = self._scores(folder, number, [REAL_ARM, LESS], self.seeds)
            whole = self._scores(folder, number, [REAL_ARM], 2 * self.seeds)[REAL_ARM]
            order = np.random.default_rng(number).permutation(2 * self.seeds)
            same.append(dice_difference(whole[order[self.seeds :]], whole[order[: self.seeds]]))
            less.append(dice_difference(part[REAL_ARM], part[LESS]))
            yield f"{number}: equal arms {_shown(same[-1])}; {REAL_ARM} minus {LESS} {_shown(less[-1])}"
        claimed = sum(not one.low <= 0 <= one.high for one in same)
        found = sum(one.low > 0 for one in less)
        yield f"equal arms: a difference claimed in {claimed} of {len(same)}"
        mean = 100 * float(np.mean([one.value for one in less]))
        yield f"{REAL_ARM} minus {LESS}, {mean:+.1f} points on average: found in {found} of {len(less)}"

    def _scores(self, folder: Path, number: int, arms: Sequence[str], seeds: int) -> dict[str, NDArray[np.float64]]:
        """Dice [seeds, subjects] of each arm; cells that were finished before are read."""
        real = folder / "phantom"
        if not real.exists():
            segmint.phantom("brain", out=real, subjects=self.subjects, seed=number, size=self.size)
        dataset = open_dataset(real)
        design = design_trial(
            real,
            [],
            size=self.size,
            axis=None,
            arms=arms,
            seeds=seeds,
            steps=self.steps,
            batch=None,
            segmenter="unet",
            augment=("elastic",),
            subset=None,
            real_slices=None,
            device="cpu",
            demonstration=False,
            split=make_split(dataset.subjects, seed=number, fractions=_FRACTIONS),
        )
        # The cells of several designs lie in one folder: which arms, seeds and comparison were asked is not of the cells.
        settings = {key: value for key, value in design.settings().items() if key not in ("arms", "seeds", "primary")}
        with opened_trial_folder(folder / "trial", settings, overwrite=False):
            results = run_cells(
                design, folder / "trial", device="cpu", train=train_segmenter, console=Console(stderr=True, quiet=True)
            )
        scores = collect_scores(results, label_names=dataset.label_names)
        return {arm.name: scores.compared(arm.name) for arm in scores.arms}


def _shown(difference: Estimate) -> str:
    return f"{100 * difference.value:+.2f} ({100 * difference.low:+.2f} to {100 * difference.high:+.2f})"
