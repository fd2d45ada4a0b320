"""Images that subjects of different parts of a split share, pixel by pixel: one patient under two names, or one filed twice."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from segmint.data.slices import SliceSet
from segmint.data.subjects import Split
from segmint.errors import UserError

_NAMED = 3


def check_shared(slices: SliceSet, split: Split, *, inner: bool = False) -> list[str]:
    """Refuse test subjects who have an image of a training or validation subject.

    No two patients have equal images, so that such subjects are one patient, or an image was filed under the wrong one. Either
    way segmenters of every arm are tested on what they, or their generators, have learned by heart or were chosen by; leaving
    these slices out would not mend it, as the rest of the patient stays. Slices of fewer than 16 values do not count.

    Args:
        slices: of the real dataset; split: its parts.
        inner: the test part is a fold of training subjects, on whom a gate chooses. That validation subjects share images with
            training subjects is then no reason to refuse, but what the trial notes already.

    Returns:
        A sentence where validation subjects share images with training subjects, which touches only how checkpoints are chosen.

    Raises:
        UserError: test subjects share images with others; the first few pairs are named.
    """
    leaks = list(_shared(slices, [*split.train, *(() if inner else split.validation)], split.test))
    root = slices.dataset.root
    if leaks:
        raise UserError(
            f"{root}: test subjects have images of training or validation subjects, pixel by pixel: {_listed(leaks)}."
            " Remove one of each, or give both the same subject where they are one patient, and split anew (segmint data split)."
        )
    chosen_by = list(_shared(slices, split.validation, split.train))
    if not chosen_by:
        return []
    return [
        "Validation subjects, who choose the checkpoints, have images of training subjects, pixel by pixel:"
        f" {_listed(chosen_by)}."
    ]


def _shared(slices: SliceSet, some: Collection[str], others: Collection[str]) -> Iterator[tuple[str, str]]:
    """Pairs of subjects, one of each part, with one image of each; a pair of subjects once."""
    parts = set(some), set(others)
    first: tuple[dict[str, int], ...] = ({}, {})
    found: set[tuple[str, str]] = set()
    for i, (mark, record) in enumerate(zip(slices.marks, slices.records, strict=True)):
        for part, seen in zip(parts, first, strict=True):
            if mark and record.subject in part:
                seen.setdefault(mark, i)
    for mark, one in first[0].items():
        if mark not in first[1]:
            continue
        other = first[1][mark]
        subjects = slices.records[one].subject, slices.records[other].subject
        if subjects not in found:
            found.add(subjects)
            yield _named(slices, one), _named(slices, other)


def _named(slices: SliceSet, i: int) -> str:
    record = slices.records[i]
    place = record.case if slices.axis is None else f"{record.case}, slice {record.slice}"
    return f'"{record.subject}" ({place})'


def _listed(pairs: list[tuple[str, str]]) -> str:
    shown = sorted(pairs)[:_NAMED]
    more = f", and {len(pairs) - len(shown)} more" if len(pairs) > len(shown) else ""
    return "; ".join(f"{one} and {other}" for one, other in shown) + more
