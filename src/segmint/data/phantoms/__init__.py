"""Phantoms: whole datasets drawn by segmint itself, with exact truth and as many subjects as wanted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from segmint.errors import UserError


class PhantomWriter(Protocol):
    """Writes a dataset with a split to `out` and returns its path; one (seed, number of subject) is always one subject."""

    def __call__(self, out: Path, *, subjects: int, seed: int, size: int = 64, overwrite: bool = False) -> Path: ...


@dataclass(frozen=True)
class Phantom:
    """A kind of phantom."""

    kind: str
    title: str
    write: PhantomWriter


def _write_brain(out: Path, *, subjects: int, seed: int, size: int = 64, overwrite: bool = False) -> Path:
    from segmint.data.phantoms.brain import write_brain_phantom

    return write_brain_phantom(out, subjects=subjects, seed=seed, size=size, overwrite=overwrite)


PHANTOMS: tuple[Phantom, ...] = (
    Phantom(
        "brain",
        "Brain tumours in MR: T1, T1 with contrast agent, T2 and FLAIR; necrosis, edema, enhancing",
        _write_brain,
    ),
)
"""A new phantom is one more line here."""


def find_phantom(kind: str) -> Phantom:
    """The phantom of that kind.

    Raises:
        UserError: there is none.
    """
    for phantom in PHANTOMS:
        if phantom.kind == kind:
            return phantom
    kinds = ", ".join(phantom.kind for phantom in PHANTOMS)
    raise UserError(f"There is no phantom {kind!r}: choose one of {kinds}.")
