"""What the audits of a synthetic dataset look at: it, the real data its generator learned from, and real data it did not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segmint.data.dataset import Dataset, open_dataset
from segmint.data.slices import SliceSet, open_slices, open_unlabelled_slices
from segmint.errors import UserError
from segmint.evaluation.chosen import Chosen
from segmint.evaluation.pictured import Pictured
from segmint.evaluation.synthetic_sets import check_axis, generator_runs
from segmint.training.material import default_size
from segmint.training.precision import choose_hardware


@dataclass(frozen=True)
class Evidence:
    """Slices on one grid.

    Attributes:
        training: real ones of the subjects whose labels the generator has seen.
        synthetic: the drawn ones.
        holdout: real ones of other subjects, the yardstick; None where there are none.
        pictured: real ones of the subjects whose images the generator has seen, with labels or without; images of
            `imagesUnlabelled` that it has learned from among them.
        unseen: real ones of subjects of whom it has not seen an image either, whether masks are empty or not.
        notes: how this was decided, where it was not plain.
    """

    training: Chosen
    synthetic: Chosen
    holdout: Chosen | None
    pictured: Pictured
    unseen: Chosen | None
    notes: tuple[str, ...]

    @property
    def label_names(self) -> tuple[str, ...]:
        """By id, background first."""
        return self.training.slices.dataset.label_names


def open_evidence(
    real: Path,
    synthetic: Path,
    *,
    holdout: Path | None,
    size: int | None,
    axis: int | None,
    device: str,
    held: Collection[str] | None = None,
) -> Evidence:
    """Open the datasets on one grid and decide which real slices are which; see `segmint.evaluate`.

    Args:
        held: the subjects of `real` that may be held out; default: all but those whose labels were seen.

    Raises:
        UserError: a dataset cannot be read, does not fit the others, or leaves nothing to compare.
    """
    truth, drawn = open_dataset(real), open_dataset(synthetic)
    other = open_dataset(holdout) if holdout is not None else None
    if truth.provenance is not None:
        raise UserError(f"{real} is a synthetic dataset: the first dataset is the real one.")
    for dataset in (drawn, *([other] if other else [])):
        if dataset.label_names != truth.label_names:
            raise UserError(
                f"{truth.root} and {dataset.root} differ in their labels ({', '.join(truth.label_names)} against"
                f" {', '.join(dataset.label_names)}): they must be equal."
            )
    runs = generator_runs([synthetic])
    if axis is None and truth.dimensions == 3 and runs:
        axis = runs[0].get("axis")
    if size is None:
        size = runs[0].get("size") if runs else None
    if size is None:
        size = default_size(truth, device=choose_hardware(device=device).device, axis=axis)
    slices, made = (_slices(one, size=size, axis=axis) for one in (truth, drawn))
    notes = _subject_notes(truth)
    training, why = _training_subjects(truth, drawn)
    if why:
        notes.append(why)
    known = Chosen(slices, slices.indices(training))
    if not known.slices.labels[known.indices].any():
        raise UserError(f"{real} has only empty masks of the subjects that train: choose another split.")
    if abs(made.scale / slices.scale - 1) > 0.02:
        notes.append(
            f"Synthetic pixels are {slices.scale / made.scale:.2f} times as large as those of the real slices: shapes and"
            " overlaps are compared all the same."
        )
    pairs = _drawn_indices(made, truth)
    check_axis(made, pairs, axis=slices.axis)
    yardstick = _holdout(slices, training, other, size=size, axis=axis, among=held)
    pictured = {*training, *(_seen(truth, drawn, "images_seen") & set(truth.subjects))}
    return Evidence(
        training=known,
        synthetic=Chosen(made, pairs),
        holdout=_with_masks(yardstick),
        pictured=Pictured.of(Chosen(slices, slices.indices(pictured)), _alone(slices, drawn, training, runs=runs)),
        unseen=_unseen(yardstick, truth, pictured),
        notes=tuple(notes),
    )


def _slices(dataset: Dataset, *, size: int, axis: int | None) -> SliceSet:
    return open_slices(dataset, size=size, axis=axis if dataset.dimensions == 3 else None)


def _subject_notes(real: Dataset) -> list[str]:
    if real.subject_kind == "subject":
        return []
    kind = "blocks of one stack" if real.subject_kind == "block" else "single images, of which no subject is known"
    return [f"The subjects of {real.name} are {kind}: what varies between subjects may be understated."]


def _training_subjects(real: Dataset, drawn: Dataset) -> tuple[list[str], str]:
    """The subjects whose labels the generator learned from, and a note where they had to be guessed."""
    if drawn.provenance is not None and (known := sorted(_seen(real, drawn, "labels_seen") & set(real.subjects))):
        return known, ""
    if real.split is not None:
        return list(real.split.train), (
            f"{drawn.name} does not say that it learned from {real.name}: the training part of the split was taken."
        )
    return list(real.subjects), (
        f"{drawn.name} does not say that it learned from {real.name}, which has no split: all of it was taken."
    )


def _seen(real: Dataset, drawn: Dataset, what: Literal["labels_seen", "images_seen"]) -> set[str]:
    """Subjects of the real dataset that the generator has seen, as the synthetic one says."""
    if drawn.provenance is None:
        return set()
    # A case added or a file rewritten changes the hash of an identity, not the patients.
    name = real.identity.rpartition("-")[0]
    return {subject for identity, subject in getattr(drawn.provenance, what) if identity.rpartition("-")[0] == name}


def _alone(
    slices: SliceSet, drawn: Dataset, training: Collection[str], *, runs: Sequence[Mapping[str, Any]]
) -> Chosen | None:
    """Images of `imagesUnlabelled` that the generator has learned from; None where there are none.

    They are told by their subjects. Where the synthetic dataset says nothing of the real one, those are taken that a training
    on `training` might see. Of subjects that have labelled images too, they are left out where the run says that it left them
    out.

    Raises:
        UserError: such an image cannot be read.
    """
    real = slices.dataset
    subjects = {case.subject for case in real.unlabelled}
    if _seen(real, drawn, "images_seen") | _seen(real, drawn, "labels_seen"):
        subjects &= _seen(real, drawn, "images_seen")
        if runs and not any(run.get("unlabelled_slices", True) for run in runs):
            subjects -= set(real.subjects)
    else:
        withheld = set(real.subjects) | (set() if real.split is None else set(real.split.subjects))
        subjects -= withheld - set(training)
    alone = open_unlabelled_slices(slices) if subjects else None
    return None if alone is None else Chosen(alone, alone.indices(subjects))


def _unseen(held: Chosen | None, real: Dataset, pictured: set[str]) -> Chosen | None:
    """Held-out slices without those of subjects whose images were seen."""
    if held is None or held.slices.dataset.identity != real.identity:
        return held
    kept = held.slices.indices(set(held.subjects) - pictured)
    return Chosen(held.slices, kept) if len(kept) else None


def _drawn_indices(made: SliceSet, real: Dataset) -> NDArray[np.int64]:
    """The synthetic slices; a dataset for nnU-Net may hold real cases beside them."""
    dataset = made.dataset
    if dataset.provenance is None:
        return np.arange(len(made), dtype=np.int64)
    found = made.indices(set(dataset.subjects) - set(real.subjects))
    if not len(found):
        raise UserError(f"{dataset.root} holds no synthetic cases: give a dataset that segmint sample wrote.")
    return found


def _holdout(
    slices: SliceSet,
    training: list[str],
    other: Dataset | None,
    *,
    size: int,
    axis: int | None,
    among: Collection[str] | None,
) -> Chosen | None:
    held = slices if other is None else _slices(other, size=size, axis=axis)
    same = held.dataset.identity == slices.dataset.identity
    subjects = set(held.dataset.subjects) - (set(training) if same else set())
    if among is not None:
        subjects &= set(among)
    indices = held.indices(subjects)
    if other is not None and not (len(indices) and held.labels[indices].any()):
        raise UserError(f"{other.root} has no masks of subjects that did not train: give other held-out data.")
    return Chosen(held, indices) if len(indices) else None


def _with_masks(held: Chosen | None) -> Chosen | None:
    """None where all masks are empty, as those of healthy controls: nothing can be held against them."""
    return held if held is not None and held.slices.labels[held.indices].any() else None
