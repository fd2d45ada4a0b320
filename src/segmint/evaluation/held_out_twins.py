"""Held-out images that are training images: patients who were thought not to have trained, and make copies look usual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmint.evaluation.chosen import Chosen
from segmint.evaluation.plain_images import SAME, Plainness
from segmint.reference.copies import Copies


@dataclass(frozen=True)
class HeldOut:
    """Held-out images with what was found for them, without subjects of whom an image is a training image.

    Attributes:
        left_out: names of those subjects.
    """

    images: Chosen | None
    found: Copies | None
    left_out: tuple[str, ...]


def without_twins(held: Chosen, found: Copies, plainness: Plainness | None) -> HeldOut:
    """Leave out whole subjects: where one image of a subject trained, all of them may have.

    Names do not tell: a patient may have two of them, and two patients one in two datasets. Where images are so plain that chance
    explains what is found, all stay: leaving out those who come nearest would make copies of images that are none.

    Args:
        plainness: of the training images; None: not measured.
    """
    subjects, same = np.array(held.subjects), found.similarity > SAME
    if plainness is not None and plainness.explains(int(same.sum()), len(same)):
        return HeldOut(held, found, ())
    twins = np.unique(subjects[same])
    kept: NDArray[np.bool_] = ~np.isin(subjects, twins)
    names = tuple(str(name) for name in twins)
    return HeldOut(held.at(kept), found.at(kept), names) if kept.any() else HeldOut(None, None, names)
