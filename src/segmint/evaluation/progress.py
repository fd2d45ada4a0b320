"""What the user sees while the cells of a trial train: one line a cell, and a status line on a terminal."""

from __future__ import annotations

import time

import numpy as np
from rich.console import Console

from segmint.evaluation.cells import CellResult
from segmint.training.progress import clock


class CellProgress:
    """Reports cells to a console and guesses the time left from those trained so far, however many train at a time.

    Args:
        where: said before every cell, where several grids run at a time.
    """

    def __init__(self, console: Console, total: int, *, where: str = "") -> None:
        self.console, self.total, self.where, self.done = console, total, where, 0
        self.trained, self.running, self.busy = 0, 0, 0.0

    def begin(self, title: str) -> str:
        """The status line of a cell about to run."""
        if not self.running:
            self._since = time.monotonic()
        self.running += 1
        return f"{self.where}cell {self.done + 1} of {self.total}: {title} ..."

    def stop(self) -> None:
        """A cell that was begun has ended without a result."""
        self._pause()

    def end(self, title: str, result: CellResult, *, trained: bool) -> None:
        """Print the line of a finished cell; one that was only read back tells nothing about time."""
        self.done += 1
        if trained:
            self._pause()
            self.trained += 1
        dice = np.array([result.dice(subject) for subject in result.counts])
        score = f"mean Dice {np.nanmean(dice):.3f}" if not np.isnan(dice).all() else "no label found or missed"
        left = (
            f"{clock((self.total - self.done) * self.busy / self.trained)} left" if self.trained else "kept from before"
        )
        self.console.print(f"{self.where}cell {self.done}/{self.total}  {title}  {score}  {left}", highlight=False)

    def _pause(self) -> None:
        """Add the time since cells were last begun or ended, in which at least one ran."""
        now = time.monotonic()
        self.busy, self._since = self.busy + now - self._since, now
        self.running -= 1
