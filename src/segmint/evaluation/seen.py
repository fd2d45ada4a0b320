"""Whether a synthetic set may enter an arm: what its generator has seen decides."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from segmint.data.case import Provenance
from segmint.data.content import MARKS_KEPT
from segmint.errors import UserError

Entries = Iterable[tuple[str, str]]
_LISTS = {
    "labels_seen": "has learned from labels of",
    "images_seen": "has learned from images of",
    "selected_on": "was selected on",
}


@dataclass(frozen=True)
class Parts:
    """Subjects of the real dataset with this identity: those the arm may learn labels from, and the held-out ones.

    Attributes:
        marks: of all its images, with the subjects that have them (see `mark_of`).
    """

    identity: str
    labelled: Collection[str]
    validation: Collection[str]
    test: Collection[str]
    marks: Mapping[str, Collection[str]] = field(default_factory=dict)


def check_seen(synthetic: Path, provenance: Provenance | None, parts: Parts, *, arm: str) -> list[str]:
    """Refuse a synthetic set whose generator has seen a test subject, or more labels than the arm's real slices have.

    A dataset of the same name but other content counts as the same dataset: a case added or a file rewritten changes
    the identity, not the patients. Of a dataset of another name, subjects are known again by images that are equal pixel by
    pixel, whatever their names and files, as far as the synthetic set tells marks of what was seen: of at most 16 slices of a
    subject.

    Args:
        synthetic: the synthetic dataset, for messages; provenance: what it says of itself; arm: name of an arm with F.

    Returns:
        Sentences on everything else that was seen, which is allowed but belongs beside the numbers.

    Raises:
        UserError: the arm refuses the set.
    """
    if provenance is None:
        raise UserError(
            f"{synthetic} does not say what its generator has seen (segmint.json has no provenance), so no arm may "
            "use it: give a dataset that segmint sample wrote."
        )
    lists = {name: _of_dataset(getattr(provenance, name), parts.identity) for name in _LISTS}
    for name, seen in lists.items():
        leaked = sorted(seen & set(parts.test))
        if leaked:
            raise UserError(
                f"The arm {arm} refuses {synthetic}: its generator {_LISTS[name]} the test subject {_named(leaked)} "
                f"({name}); train it on the split of this dataset."
            )
    again = _known_again(provenance, parts)
    for name in _LISTS:
        for entry in getattr(provenance, name):
            found = again.get(entry, set()) & set(parts.test)
            if name == "selected_on" and same_dataset(entry[0], parts.identity) and entry[1] in parts.validation:
                # What validation and test subjects share here is the split's affair, not the set's (`check_shared`).
                found -= {one for subjects in parts.marks.values() if entry[1] in subjects for one in subjects}
            leaked = sorted(found)
            if leaked:
                raise UserError(
                    f'The arm {arm} refuses {synthetic}: its generator {_LISTS[name]} "{entry[1]}" of {entry[0]} ({name}), of whom '
                    f"images are equal, pixel by pixel, to images of the test subject {_named(leaked)}; train it on the split of "
                    "this dataset, or make a split that tests none of the patients it has seen (segmint data split)."
                )
    elsewhere = {entry for entry in provenance.labels_seen if not same_dataset(entry[0], parts.identity)}
    lists["labels_seen"] |= {subject for entry in elsewhere for subject in again.get(entry, set())}
    unfair = sorted(lists["labels_seen"] - set(parts.labelled))
    if unfair:
        raise UserError(
            f"The arm {arm} refuses {synthetic}: its generator has learned from labels of {_named(unfair)}, which the "
            "real slices of the trial do not have; train it on the same subset, or give the trial the subset it had."
        )
    return _notes(synthetic, provenance, parts, lists, again)


def _known_again(provenance: Provenance, parts: Parts) -> dict[tuple[str, str], set[str]]:
    """By what was seen, whose marks are known, the subjects here that have one of the same images; none where all differ."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for identity, subject, marks in provenance.marks_seen:
        found[identity, subject].update(here for mark in marks.split() for here in parts.marks.get(mark, ()))
    return dict(found)


def _notes(
    synthetic: Path,
    provenance: Provenance,
    parts: Parts,
    lists: dict[str, set[str]],
    again: dict[tuple[str, str], set[str]],
) -> list[str]:
    notes = []
    selected = lists["selected_on"]
    if selected:
        kind = "validation " if selected <= set(parts.validation) else ""
        notes.append(
            f"{synthetic.name}: its checkpoint was selected on {len(selected)} {kind}subject{_s(selected)} of this dataset."
        )
    unlabelled = lists["images_seen"] - set(parts.labelled)
    if unlabelled:
        notes.append(
            f"{synthetic.name}: its generator has learned from images, without labels, of {len(unlabelled)} more "
            f"subject{_s(unlabelled)} of this dataset."
        )
    everything = [*provenance.labels_seen, *provenance.images_seen, *provenance.selected_on]
    others: dict[str, set[str]] = defaultdict(set)
    for identity, subject in everything:
        others[identity].add(subject)
    # A list that is not full holds a mark of every slice.
    partly = {(one, who) for one, who, marks in provenance.marks_seen if len(marks.split()) >= MARKS_KEPT}
    for identity, subjects in sorted(others.items()):
        if _name(identity) != _name(parts.identity):
            checked = all((identity, subject) in again for subject in subjects)
            in_part = sum((identity, subject) in partly for subject in subjects)
            notes.append(
                f"{synthetic.name}: it stands on {len(subjects)} subject{_s(subjects)} of another dataset, {identity}; "
                + (
                    f"none of them has an image of a test subject, pixel by pixel{_as_far(in_part, len(subjects))}; a changed"
                    " copy would not be known again."
                    if checked
                    else "whether any of them is a test subject under another name cannot be checked."
                )
            )
            namesakes = sorted(subjects & set(parts.test))
            if namesakes:
                notes.append(
                    f"{synthetic.name}: test subjects have the names of subjects of {identity} that its generator has seen, such "
                    f'as "{namesakes[0]}": if they are the same patients, the trial tests what was learned by heart.'
                )
        elif identity != parts.identity:
            notes.append(
                f"{synthetic.name}: it stands on another version of this dataset ({identity}, now {parts.identity}); "
                "subjects were compared by name."
            )
    if not everything:
        notes.append(f"{synthetic.name}: it says that its generator has seen no data at all.")
    return notes


def _as_far(in_part: int, of: int) -> str:
    """What limits the comparison, for the middle of a sentence."""
    if not in_part:
        return ""
    whom = "each" if in_part == of else f"{in_part} of them"
    return f", as far as {MARKS_KEPT} slices of {whom} tell, for more are not kept"


def same_dataset(first: str, second: str) -> bool:
    """Whether two identities mean one dataset, perhaps in two versions: a hash changes with a file, the patients do not."""
    return _name(first) == _name(second)


def _of_dataset(entries: Entries, identity: str) -> set[str]:
    return {subject for seen, subject in entries if same_dataset(seen, identity)}


def _name(identity: str) -> str:
    """An identity without its hash."""
    return re.sub(r"-[0-9a-f]{12}$", "", identity)


def _s(subjects: Collection[str]) -> str:
    return "" if len(subjects) == 1 else "s"


def _named(subjects: Sequence[str]) -> str:
    more = len(subjects) - 1
    return f'"{subjects[0]}"' + (f" and {more} more" if more else "")
