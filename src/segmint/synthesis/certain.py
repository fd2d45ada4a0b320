"""Drawing more pairs than wanted and dropping those whose label maps are least certain [Zhang 2021, section 3.3]."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from segmint.synthesis.draw import Drawn, Sampler
from segmint.training.previews import write_grid

PICTURE = "kept_and_dropped.png"
SHOWN, COLUMNS = 9, 3


def candidates(n: int, keep: float) -> int:
    """How many pairs are drawn so that a share `keep` of them makes `n`."""
    # Shares such as 0.9 are not exact: 9 / 0.9 must make 10, not 11.
    return math.ceil(n / keep - 1e-9)


def most_certain(uncertainty: NDArray[np.float32], n: int) -> NDArray[np.int64]:
    """Numbers of the `n` smallest, ascending; of equal ones the earlier count."""
    return np.sort(np.argsort(uncertainty, kind="stable")[:n])


class Candidates:
    """Pairs held on disk while it is not known yet which of them stay.

    Attributes:
        images: [N, C, S, S]; labels: [N, S, S]; uncertainty: [N].
    """

    def __init__(self, folder: Path, first: Drawn, total: int) -> None:
        create = np.lib.format.open_memmap
        image, label = first.images.shape[1:], first.labels.shape[1:]
        self.images: NDArray[np.float32] = create(
            folder / "images.npy", mode="w+", dtype=np.float32, shape=(total, *image)
        )
        self.labels: NDArray[np.uint8] = create(folder / "labels.npy", mode="w+", dtype=np.uint8, shape=(total, *label))
        self.uncertainty: NDArray[np.float32] = np.empty(total, dtype=np.float32)

    def put(self, start: int, drawn: Drawn) -> None:
        """Hold pairs from number `start` on."""
        assert drawn.uncertainty is not None
        part = slice(start, start + len(drawn.images))
        self.images[part], self.labels[part], self.uncertainty[part] = drawn.images, drawn.labels, drawn.uncertainty

    def write_picture(self, path: Path, kept: NDArray[np.int64], *, colour: bool) -> None:
        """Some kept pairs, spread over their certainty, above the dropped ones, the least certain last."""
        order = np.argsort(self.uncertainty, kind="stable")
        stay = order[np.isin(order, kept)]
        shown = np.concatenate([spread(stay, SHOWN), spread(order[~np.isin(order, kept)], SHOWN)])
        write_grid(path, self.images[shown], self.labels[shown], columns=COLUMNS, colour=colour)


@contextmanager
def drawn_candidates(
    sampler: Sampler, total: int, seed: int, *, truncation: float, block: int, beside: Path
) -> Iterator[Candidates]:
    """Draw `total` pairs of a sampler that tells uncertainty, and hold them in a folder inside `beside` that vanishes."""
    with TemporaryDirectory(dir=beside, prefix=".candidates-") as folder:
        held: Candidates | None = None
        for first in range(0, total, block):
            drawn = sampler.draw(min(block, total - first), seed, first=first, truncation=truncation)
            held = held or Candidates(Path(folder), drawn, total)
            held.put(first, drawn)
        assert held is not None
        yield held


def spread(numbers: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Up to so many of them, evenly spread."""
    n = min(most, len(numbers))
    return numbers[np.linspace(0, len(numbers) - 1, n).round().astype(np.int64)]
