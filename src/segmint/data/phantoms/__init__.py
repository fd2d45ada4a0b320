"""Phantoms: whole datasets drawn by segmint itself, with exact truth and as many subjects as wanted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from segmint.errors import UserError


class PhantomWriter(Protocol):
    """Writes a dataset with a split to `out` and returns its path; one (seed, number of subject) is always one subject."""

    def __call__(self, out: Path, *, subjects: int, seed: int, size: int, overwrite: bool = False) -> Path: ...


@dataclass(frozen=True)
class Phantom:
    """A kind of phantom."""

    kind: str
    title: str
    size: int
    """Pixels a side where none are asked for."""
    writer: PhantomWriter

    def write(self, out: Path, *, subjects: int, seed: int, size: int | None = None, overwrite: bool = False) -> Path:
        """Write a dataset with a split to `out` and return its path.

        Args:
            out: folder of the new dataset.
            subjects: how many, at least 3 (one for each part of the split).
            seed: of subjects and split, not negative.
            size: pixels a side; None: the kind's own.
            overwrite: replace what is at `out`.

        Raises:
            UserError: an argument is out of its range, or `out` exists or cannot be written.
        """
        return self.writer(out, subjects=subjects, seed=seed, size=size or self.size, overwrite=overwrite)


def _write_brain(out: Path, *, subjects: int, seed: int, size: int, overwrite: bool = False) -> Path:
    from segmint.data.phantoms.brain import write_brain_phantom

    return write_brain_phantom(out, subjects=subjects, seed=seed, size=size, overwrite=overwrite)


def _write_retina(out: Path, *, subjects: int, seed: int, size: int, overwrite: bool = False) -> Path:
    from segmint.data.phantoms.retina import write_retina_phantom

    return write_retina_phantom(out, subjects=subjects, seed=seed, size=size, overwrite=overwrite)


def _write_em_a(out: Path, *, subjects: int, seed: int, size: int, overwrite: bool = False) -> Path:
    from segmint.data.phantoms.em import write_em_phantom

    return write_em_phantom("em-a", out, subjects=subjects, seed=seed, size=size, overwrite=overwrite)


def _write_em_b(out: Path, *, subjects: int, seed: int, size: int, overwrite: bool = False) -> Path:
    from segmint.data.phantoms.em import write_em_phantom

    return write_em_phantom("em-b", out, subjects=subjects, seed=seed, size=size, overwrite=overwrite)


def _write_stroke(out: Path, *, subjects: int, seed: int, size: int, overwrite: bool = False) -> Path:
    from segmint.data.phantoms.stroke import write_stroke_phantom

    return write_stroke_phantom(out, subjects=subjects, seed=seed, size=size, overwrite=overwrite)


def _write_thorax(out: Path, *, subjects: int, seed: int, size: int, overwrite: bool = False) -> Path:
    from segmint.data.phantoms.thorax import write_thorax_phantom

    return write_thorax_phantom(out, subjects=subjects, seed=seed, size=size, overwrite=overwrite)


PHANTOMS: tuple[Phantom, ...] = (
    Phantom(
        "brain",
        "Brain tumours in MR: T1, T1 with contrast agent, T2 and FLAIR; necrosis, edema, enhancing",
        64,
        _write_brain,
    ),
    Phantom("retina", "Colour photographs of the fundus; vessels; the lit disc as a condition", 128, _write_retina),
    Phantom("em-a", "Electron microscopy of nerve tissue; mitochondria; membranes as a condition", 128, _write_em_a),
    Phantom(
        "em-b",
        "The same under another microscope: flatter, noisier, thicker membranes, larger cells",
        128,
        _write_em_b,
    ),
    Phantom(
        "stroke",
        "FLAIR slices of heads, a stroke on 18% of them; lesion; the head as a condition",
        128,
        _write_stroke,
    ),
    Phantom("thorax", "CT of chests; oesophagus, heart, trachea, aorta", 128, _write_thorax),
)
"""A new phantom is one more line here."""


def write_phantom(
    kind: str, out: Path, *, subjects: int = 30, seed: int = 0, size: int | None = None, overwrite: bool = False
) -> Path:
    """Draw the phantom `kind` and write it as a dataset; see `Phantom.write`.

    Raises:
        UserError: there is no such phantom, an argument is out of its range, or `out` exists or cannot be written.
    """
    return find_phantom(kind).write(Path(out), subjects=subjects, seed=seed, size=size, overwrite=overwrite)


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
