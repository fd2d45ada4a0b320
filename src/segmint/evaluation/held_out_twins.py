"""Held-out images that are training images: patients who were thought not to have trained, and make copies look usual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmint.evaluation.chosen import Chosen
from segmint.reference.copies import Copies

# A training image is found again with more than this, a little noise or another scale of intensities included; images of other
# patients came to 0.990 at most on volumes of heads, hippocampi and two phantoms.
SAME = 0.996


@dataclass(frozen=True)
class HeldOut:
    """Held-out images with what was found for them, without subjects of whom an image is a training image.

    Attributes:
        left_out: names of those subjects.
    """

    images: Chosen | None
    found: Copies | None
    left_out: tuple[str, ...]


def without_twins(held: Chosen, found: Copies) -> HeldOut:
    """Leave out whole subjects: where one image of a subject trained, all of them may have.

    Names do not tell: a patient may have two of them, and two patients one in two datasets.
    """
    subjects = np.array(held.subjects)
    twins = np.unique(subjects[found.similarity > SAME])
    kept: NDArray[np.bool_] = ~np.isin(subjects, twins)
    names = tuple(str(name) for name in twins)
    return HeldOut(held.at(kept), found.at(kept), names) if kept.any() else HeldOut(None, None, names)
