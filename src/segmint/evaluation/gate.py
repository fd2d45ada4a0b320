"""The gate: how many synthetic pairs to add, if any, and whether all or curated ones, by cross-validation in training subjects.

Whether pairs help is asked where the answer may be used: the labelled training subjects are dealt into folds, a generator
and segmenters learn from the subjects outside each fold and are tested on those inside it. No test subject is touched, and
no inner generator has seen a subject it is judged on. Pairs are added only where they gained for sure, so that a set that
does not help is left out rather than trusted (`segmint.evaluation.gate_choice`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.evaluation.arms import REAL_ARM, Arm, parse_arm
from segmint.evaluation.folds import deal_folds, joined

SHARES = (25, 100, 300)
"""Synthetic pairs in percent of the real slices, of which the gate chooses unless told otherwise."""
ALL, KEPT = "all", "curated"
FILTERS = (ALL, KEPT)
"""Which pairs it chooses of: as they were drawn, or those that curation keeps."""
FOLDS, SEEDS = 2, 2
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


def inner_splits(
    split: Split,
    labelled: Sequence[str],
    *,
    folds: int = FOLDS,
    seed: int = 0,
    marks: Mapping[str, Collection[str]] | None = None,
) -> list[Split]:
    """Folds over the labelled training subjects: each is tested on once, by what learned from the others.

    Validation subjects stay what they are; test subjects are in no part.

    Args:
        marks: whose images have each mark (`SliceSet.subjects_by_mark`). Subjects who share one, if only through
            a third, are one patient or hold images of one: they are in one fold, so that nothing is tested on what was learned by
            heart.

    Raises:
        UserError: there are too few subjects.
    """
    if folds < 2:
        raise UserError(f"--gate-folds {folds}: at least 2 are needed.")
    together = [subjects for subjects in (marks or {}).values() if len(subjects) > 1]
    apart = len(joined(labelled, together))
    if apart < max(_FEWEST_SUBJECTS, folds):
        alike = (
            f", which count as {apart}, as some have the same images, pixel by pixel" if apart < len(labelled) else ""
        )
        raise UserError(
            f"The gate needs at least {max(_FEWEST_SUBJECTS, folds)} labelled training subjects for its folds, here are "
            f"{len(labelled)}{alike}: leave it out, or give the split more of them."
        )
    return [
        Split(
            train=tuple(subject for subject in sorted(labelled) if subject not in part),
            validation=split.validation,
            test=part,
        )
        for part in deal_folds(labelled, folds, seed=[seed, 7], together=together)
    ]
