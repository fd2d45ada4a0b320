"""Cross-validation over subjects: how they are dealt into folds, outside the training subjects and inside them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from segmint.data.dataset import Dataset
from segmint.data.split import make_split
from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.evaluation.design import SPLIT_SEED

FEWEST_TESTED = 20
"""With fewer test subjects a trial is better cross-validated over all of them."""
_SEED = 11
# Subjects below which nothing can be cross-validated; folds where there are as many subjects.
_FEWEST, _USUAL = 4, 5


def deal_folds(
    subjects: Collection[str], folds: int, *, seed: Sequence[int], together: Iterable[Collection[str]] = ()
) -> list[tuple[str, ...]]:
    """Deal subjects into `folds` parts at random; each part sorted.

    Sizes differ by one at most, but where subjects go `together`: those of one collection are never dealt apart.
    """
    groups = joined(subjects, together)
    order = [groups[i] for i in np.random.default_rng(list(seed)).permutation(len(groups))]
    parts: list[list[str]] = [[] for _ in range(folds)]
    for group in sorted(order, key=len, reverse=True):
        min(parts, key=len).extend(group)
    return [tuple(sorted(part)) for part in parts]


def joined(subjects: Collection[str], together: Iterable[Collection[str]]) -> list[tuple[str, ...]]:
    """`subjects` in groups, those of one collection in one, directly or through anybody else; sorted, by their first."""
    group = {subject: {subject} for subject in subjects}
    for collection in together:
        merged = set(collection).union(*(group[subject] for subject in collection if subject in group))
        group.update(dict.fromkeys(merged, merged))
    return list(dict.fromkeys(tuple(sorted(group[subject].intersection(subjects))) for subject in sorted(subjects)))


def outer_splits(split: Split, folds: int, *, seed: int = 0) -> list[Split]:
    """Splits that test every subject of `split` exactly once, whatever part it was in.

    In each, validation subjects are drawn from those that are not tested, as large a share of them as in `split`.

    Raises:
        UserError: there are too few folds or subjects.
    """
    subjects = split.subjects
    if folds < 2:
        raise UserError(f"--folds {folds}: at least 2 are needed.")
    if len(subjects) < max(_FEWEST, folds):
        mend = f"at least {_FEWEST} are needed" if len(subjects) < _FEWEST else f"give at most {len(subjects)}"
        raise UserError(f"--folds {folds}: the split has {len(subjects)} subjects; {mend}.")
    share = len(split.validation) / (len(split.train) + len(split.validation))
    found = []
    for number, tested in enumerate(deal_folds(tuple(subjects), folds, seed=[seed, _SEED])):
        rest = sorted(subjects - set(tested))
        count = min(max(1, round(share * len(rest))), len(rest) - 1)
        order = np.random.default_rng([seed, _SEED, number]).permutation(len(rest))
        validation = {rest[i] for i in order[:count]}
        found.append(
            Split(
                train=tuple(subject for subject in rest if subject not in validation),
                validation=tuple(sorted(validation)),
                test=tested,
            )
        )
    return found


def splits_of(dataset: Dataset, folds: int) -> list[Split]:
    """Outer splits of a dataset, by its own split or a seeded one.

    Raises:
        UserError: there are too few folds or subjects.
    """
    return outer_splits(dataset.split or make_split(dataset.subjects, seed=SPLIT_SEED), folds)


def note_few_tested(split: Split, *, advice: str = "--folds {folds} would test each of them once") -> list[str]:
    """What folds would do for a trial that tests few of its subjects.

    Args:
        advice: how to have them; {folds} stands for a number of folds that the split has subjects for.
    """
    tested, everyone = len(split.test), len(split.subjects)
    if tested >= FEWEST_TESTED or everyone <= tested:
        return []
    how = f": {advice.format(folds=min(_USUAL, everyone))}" if everyone >= _FEWEST else ""
    return [f"Only {tested} of {everyone} subjects are tested{how}."]
