"""Three sets of as many images each: real ones that trained, other real ones as a yardstick, and synthetic ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from segmint.evaluation.chosen import Chosen
from segmint.evaluation.evidence import Evidence

# Images looked at of each set.
MOST = 1000
# Fewer held-out images than this make a poor yardstick for everything; half of the training subjects then serve.
_FEW = 50

Yardstick = Literal["held-out subjects", "half of the training subjects"]


@dataclass(frozen=True)
class Sets:
    """What is compared.

    Attributes:
        reference: real images that both others are compared with.
        yardstick: real images of other subjects; synthetic: the drawn ones. All three are of one number.
        kind: who the yardstick is of.
    """

    reference: Chosen
    yardstick: Chosen
    synthetic: Chosen
    kind: Yardstick


def choose_sets(evidence: Evidence, *, most: int = MOST, seed: int = 0) -> Sets | None:
    """Choose as many images of each set as the smallest has, at most `most`, at random; None where there is one real subject.

    The yardstick are held-out images of subjects the generator has not seen an image of. Where these are fewer than 50, the
    training subjects are halved, if that leaves more.
    """
    generator = np.random.default_rng(seed)
    reference, held = evidence.training, evidence.unseen
    kind: Yardstick = "held-out subjects"
    if held is None or len(held.indices) < _FEW:
        halves = _halves(reference, generator)
        if halves is not None and min(len(one.indices) for one in halves) > (len(held.indices) if held else 0):
            (reference, held), kind = halves, "half of the training subjects"
    if held is None:
        return None
    count = min(most, *(len(one.indices) for one in (reference, held, evidence.synthetic)))
    reference, held, made = (_some(one, count, generator) for one in (reference, held, evidence.synthetic))
    return Sets(reference, held, made, kind)


def _halves(training: Chosen, generator: np.random.Generator) -> tuple[Chosen, Chosen] | None:
    subjects = generator.permutation(sorted(set(training.subjects)))
    if len(subjects) < 2:
        return None
    first = np.isin(training.subjects, subjects[: len(subjects) // 2])
    return Chosen(training.slices, training.indices[first]), Chosen(training.slices, training.indices[~first])


def _some(chosen: Chosen, count: int, generator: np.random.Generator) -> Chosen:
    picked = np.sort(generator.choice(len(chosen.indices), count, replace=False))
    return Chosen(chosen.slices, chosen.indices[picked])
