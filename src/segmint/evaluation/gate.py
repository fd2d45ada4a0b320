"""The gate: how many synthetic pairs to add, if any, and whether all or curated ones, by cross-validation in training subjects.

Whether pairs help is asked where the answer may be used: the labelled training subjects are dealt into folds, a generator
and segmenters learn from the subjects outside each fold and are tested on those inside it. No test subject is touched, and
no inner generator has seen a subject it is judged on. Pairs are added only where they gained for sure, so that a set that
does not help is left out rather than trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.evaluation.arms import REAL_ARM, Arm, parse_arm
from segmint.evaluation.folds import deal_folds
from segmint.evaluation.points import points
from segmint.evaluation.statistics import Estimate, bootstrap_difference
from segmint.metrics import dice

SHARES = (25, 100, 300)
"""Synthetic pairs in percent of the real slices, of which the gate chooses unless told otherwise."""
ALL, KEPT = "all", "curated"
FILTERS = (ALL, KEPT)
"""Which pairs it chooses of: as they were drawn, or those that curation keeps."""
FOLDS, SEEDS = 2, 2
# Chance that a set which does nothing is added, over all its shares.
_ALARM = 0.05
_FEWEST_SUBJECTS = 4


@dataclass(frozen=True)
class GateOrders:
    """What the gate looks at: `shares` of synthetic pairs in percent, in so many `folds`, with so many `seeds` each.

    `filters`: of all pairs ("all"), of those that curation keeps ("curated"), or both. None: both, unless all are curated anyway.
    """

    shares: tuple[int, ...] = SHARES
    folds: int = FOLDS
    seeds: int = SEEDS
    filters: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Candidate:
    """An arm that the gate looked at, and its gain in Dice over 100R inside the training subjects."""

    arm: Arm
    gain: Estimate


@dataclass(frozen=True)
class Choice:
    """What the gate chose.

    Attributes:
        arm: 100R where no candidate gained for sure.
        subjects: how many the candidates were tested on; confidence: of each two-sided interval, by their number.
        missing: arms that could not be looked at, since curation left too few pairs for them.
    """

    arm: Arm
    candidates: tuple[Candidate, ...]
    subjects: int
    confidence: float
    missing: tuple[Arm, ...] = ()

    @property
    def opened(self) -> bool:
        """Whether any pairs are added."""
        return self.arm.synthetic > 0

    @property
    def best(self) -> Candidate:
        """The candidate with the largest gain, of which there is at least one."""
        return max(self.candidates, key=lambda one: one.gain.value)

    @property
    def _looked(self) -> str:
        """What it chose of."""
        arms = [one.arm for one in self.candidates]
        drawn, curated = (sum(arm.curated == kind for arm in arms) for kind in (False, True))
        parts = [
            f"{number} share{'s' if number > 1 else ''}{words}"
            for number, words in ((drawn, ""), (curated, " of curated pairs"))
            if number
        ]
        return " and ".join(parts)

    @property
    def sentence(self) -> str:
        """What was chosen and why."""
        if not self.candidates:
            return "The gate added no synthetic pairs: curation left too few for any share"
        left_out = ", ".join(arm.name for arm in self.missing)
        more = f"; curation left too few pairs for {left_out}" if left_out else ""
        shown, looked = next((one for one in self.candidates if one.arm == self.arm), self.best), self._looked
        gained = (
            f"{shown.arm.name} {points(shown.gain.value, signed=True)} points, {100 * self.confidence:.1f}% interval "
            f"{points(shown.gain.low, signed=True)} to {points(shown.gain.high, signed=True)}"
        )
        where = f"cross-validated on {self.subjects} training subjects"
        if self.opened:
            return f"The gate chose {self.arm.name} of {looked}, {where} ({gained}){more}"
        return f"The gate added no synthetic pairs: of {looked}, {where}, none gained for sure (at best {gained}){more}"

    def as_json(self) -> dict[str, Any]:
        """What trial.json says of it."""
        return {
            "chosen": self.arm.name,
            "sentence": f"{self.sentence}.",
            "subjects": self.subjects,
            "confidence": self.confidence,
            "candidates": [
                {"arm": one.arm.name, "gain": one.gain.value, "interval": one.gain.interval} for one in self.candidates
            ],
            "missing": [arm.name for arm in self.missing],
        }


def candidate_arms(shares: Sequence[int], filters: Sequence[str] = (ALL,)) -> tuple[Arm, ...]:
    """All real slices and `shares` percent of synthetic pairs of each filter.

    Raises:
        UserError: a share is below 1, a filter is none, or none or one twice is given.
    """
    if not filters or not set(filters) <= set(FILTERS) or len(set(filters)) < len(filters):
        raise UserError("--gate-filters: give all, curated, or all,curated.")
    if not shares or min(shares) < 1 or len(set(shares)) < len(shares):
        raise UserError("--gate-shares: give different percentages of at least 1, such as 25,100,300.")
    letters = {ALL: "F", KEPT: "C"}
    return tuple(
        parse_arm(f"{REAL_ARM}+{share}{letters[kind]}", curated=True)
        for kind in FILTERS
        if kind in filters
        for share in sorted(shares)
    )


def inner_splits(split: Split, labelled: Sequence[str], *, folds: int = FOLDS, seed: int = 0) -> list[Split]:
    """Folds over the labelled training subjects: each is tested on once, by what learned from the others.

    Validation subjects stay what they are; test subjects are in no part.

    Raises:
        UserError: there are too few subjects.
    """
    if folds < 2:
        raise UserError(f"--gate-folds {folds}: at least 2 are needed.")
    if len(labelled) < max(_FEWEST_SUBJECTS, folds):
        raise UserError(
            f"The gate needs at least {max(_FEWEST_SUBJECTS, folds)} labelled training subjects for its folds, here are "
            f"{len(labelled)}: leave it out, or give the split more of them."
        )
    return [
        Split(
            train=tuple(subject for subject in sorted(labelled) if subject not in part),
            validation=split.validation,
            test=part,
        )
        for part in deal_folds(labelled, folds, seed=[seed, 7])
    ]


def choose(
    candidates: Sequence[tuple[Arm, NDArray[np.float64]]],
    real: NDArray[np.float64],
    *,
    missing: Sequence[Arm] = (),
    seed: int = 0,
) -> Choice:
    """Take the candidate that gained most among those whose gain has its lower bound above 0; else 100R.

    Only lower bounds decide, so each is one-sided, at a level that keeps the chance of adding a set that does nothing at 5%
    over all candidates [Bonferroni].

    Args:
        candidates: arms, each with its Dice [seeds, subjects], subjects of all folds beside each other.
        real: Dice of 100R, the same shape.
        missing: arms that could not be looked at.
        seed: of the bootstrap.
    """
    confidence = 1 - 2 * _ALARM / max(len(candidates), 1)
    judged = []
    for arm, scores in candidates:
        gain = bootstrap_difference(scores, real, within=dice.DIFFERENCES, confidence=confidence, seed=seed)
        judged.append(Candidate(arm, gain))
    certain = [one for one in judged if one.gain.low > 0]
    chosen = max(certain, key=lambda one: one.gain.value).arm if certain else parse_arm(REAL_ARM)
    return Choice(chosen, tuple(judged), int((~np.isnan(real)).any(axis=0).sum()), confidence, tuple(missing))
