"""Which synthetic images are near-copies of training images: nearer than new real images are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmint.evaluation.chosen import Chosen
from segmint.evaluation.copy_rates import FEWEST, Comparison, Nearness, compare_nearness, first_part
from segmint.evaluation.evidence import Evidence
from segmint.evaluation.held_out_twins import without_twins
from segmint.evaluation.pictured import Pictured
from segmint.evaluation.plain_images import SAME, measure_plainness
from segmint.reference.copies import Copies, CopySearch

# Real images looked at for the threshold, at most.
_MOST = 1000


@dataclass(frozen=True)
class CopyFindings:
    """What the search found.

    Attributes:
        copies: the nearest training image of each synthetic one; search: that found them.
        compared: with new real images; None where there are too few for a threshold.
        yardstick: "held-out" real images, or the "training" subjects, one half searched for in the other; None without.
    """

    copies: Copies
    search: CopySearch
    compared: Comparison | None
    yardstick: str | None

    @property
    def copied(self) -> NDArray[np.bool_]:
        """[n] whether each image counts as a copy; none does without a threshold."""
        if self.compared is None:
            return np.zeros(len(self.copies.positions), dtype=np.bool_)
        return np.asarray(self.compared.scores > self.compared.threshold)


def find_copies(evidence: Evidence, *, seed: int = 0) -> CopyFindings:
    """Seek for each synthetic image the training image it could be a copy of; see `segmint.reference.copies`.

    How near new images come is learnt from real subjects that the generator has not seen. Where there are fewer than 100 such
    images, the training subjects are dealt in two halves, and each is searched in the other: half as many images come less
    near, so that a few more pairs count as copies than should.
    """
    training, unseen = evidence.pictured, evidence.unseen
    search = _search(training)
    copies = search.nearest(evidence.synthetic.slices.images, evidence.synthetic.indices)
    held = _new_images(unseen, training, search, seed=seed) if unseen is not None and _enough(unseen) else None
    if held is not None:
        yardstick, usual = "held-out", held
    elif _enough(training) and training.units.max() >= 3:
        yardstick, usual = "training", _between_halves(training, seed=seed)
    else:
        return CopyFindings(copies, search, None, None)
    return CopyFindings(copies, search, compare_nearness(copies.evidence, usual, seed=seed), yardstick)


def _new_images(unseen: Chosen, training: Pictured, search: CopySearch, *, seed: int) -> Nearness | None:
    """How near held-out images come, without subjects who have trained after all; None where too few are left."""
    held = unseen.some(_MOST, seed=seed)
    found = search.nearest(held.slices.images, held.indices)
    plainness = measure_plainness(training, seed=seed) if (found.similarity > SAME).any() else None
    apart = without_twins(held, found, plainness)
    if apart.images is None or apart.found is None or not _enough(apart.images):
        return None
    return Nearness(apart.found.evidence, apart.images.units)


def _search(training: Pictured) -> CopySearch:
    return CopySearch(training.images, training.indices, training.units)


def _enough(chosen: Chosen | Pictured) -> bool:
    return len(chosen.indices) >= FEWEST and int(chosen.units.max()) >= 1


def _between_halves(training: Pictured, *, seed: int) -> Nearness:
    first = first_part(training.units, seed=seed)
    values, units = [], []
    for queries, known in ((first, ~first), (~first, first)):
        found = _search(training.at(known)).nearest(training.images, training.indices[queries])
        values.append(found.evidence)
        units.append(training.units[queries])
    return Nearness(np.concatenate(values), np.concatenate(units))
