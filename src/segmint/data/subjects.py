"""Which subjects train, validate and test, and which smaller training sets are stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

PARTS = ("train", "validation", "test")
SubjectKind = Literal["subject", "block", "image"]
"""What the subjects of a dataset are: patients, animals or specimens; blocks of one stack; or single images of which
nothing more is known. Results on blocks or images do not tell how they carry over to other subjects."""


@dataclass(frozen=True)
class Split:
    """Subjects of each part; a subject is in one part at most.

    Raises:
        ValueError: a subject is named twice, or no subject trains.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.train:
            raise ValueError("no subject in train")
        for part in PARTS:
            twice = repeated(getattr(self, part))
            if twice:
                raise ValueError(f'the subject "{twice[0]}" stands twice in {part}')
        for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
            shared = sorted(set(getattr(self, first)) & set(getattr(self, second)))
            if shared:
                others = f" and {len(shared) - 1} more" if len(shared) > 1 else ""
                raise ValueError(f'the subject "{shared[0]}"{others} is in both {first} and {second}')

    @property
    def subjects(self) -> frozenset[str]:
        """All subjects the split names."""
        return frozenset(self.train) | frozenset(self.validation) | frozenset(self.test)


@dataclass(frozen=True)
class Subset:
    """A smaller training set: whole subjects, or chosen slices of them.

    Args:
        name: How it is asked for, such as "10" or "1000-slices".
        subjects: Its subjects, all from train.
        slices: (case id, slice number) of its slices; None means all slices of the subjects.
    """

    name: str
    subjects: tuple[str, ...]
    slices: tuple[tuple[str, int], ...] | None = None


def repeated(names: Iterable[str]) -> list[str]:
    """The names that stand there more than once, sorted."""
    return sorted(name for name, count in Counter(names).items() if count > 1)
