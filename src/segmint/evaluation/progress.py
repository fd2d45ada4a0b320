"""What the user sees while the cells of a trial train: one line a cell, and a status line on a terminal."""

from __future__ import annotations

import time

import numpy as np
from rich.console import Console

from segmint.evaluation.cells import CellResult
from segmint.training.progress import clock


class CellProgress:
    """Reports cells to a console and guesses the time left from those trained so far."""

    def __init__(self, console: Console, total: int) -> None:
        self.console, self.total, self.done = console, total, 0
        self.seconds: list[float] = []

    def begin(self, title: str) -> str:
        """The status line of a cell about to run."""
        self._began = time.monotonic()
        return f"cell {self.done + 1} of {self.total}: {title} ..."

    def end(self, title: str, result: CellResult, *, trained: bool) -> None:
        """Print the line of a finished cell; one that was only read back tells nothing about time."""
        self.done += 1
        if trained:
            self.seconds.append(time.monotonic() - self._began)
        dice = np.array([result.dice(subject) for subject in result.counts])
        score = f"mean Dice {np.nanmean(dice):.3f}" if not np.isnan(dice).all() else "no label found or missed"
        left = (
            f"{clock((self.total - self.done) * float(np.mean(self.seconds)))} left"
            if self.seconds
            else "kept from before"
        )
        self.console.print(f"cell {self.done}/{self.total}  {title}  {score}  {left}", highlight=False)
