"""Which subjects and slices a trial trains, validates and tests on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.data.dataset import Dataset, open_dataset
from segmint.data.slices import SliceSet, open_slices
from segmint.data.split import slice_subset
from segmint.data.subjects import Split, Subset
from segmint.errors import UserError

# The slices of `real_slices` are the same in every trial on a dataset, whatever its seeds.
_REAL_SLICES_SEED = 0


@dataclass(frozen=True)
class Regime:
    """The real side of a trial.

    Attributes:
        slices: all real slices.
        split: subjects of each part.
        labelled: subjects whose labels the arms may learn from.
        training: indices of the real training slices, 100 percent of R; validation, test: all slices of those subjects.
        reduced: only some slices of the labelled subjects are used.
    """

    slices: SliceSet
    split: Split
    labelled: tuple[str, ...]
    training: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    reduced: bool

    @property
    def dataset(self) -> Dataset:
        """The real dataset."""
        return self.slices.dataset

    @property
    def tested(self) -> tuple[str, ...]:
        """The subjects of the test slices, sorted."""
        return tuple(sorted({self.slices.records[i].subject for i in self.test}))

    def described_training(self) -> str:
        """What decides whether another regime of the same dataset trains on the same slices, in a few characters."""
        chosen = [[self.slices.records[i].case, self.slices.records[i].slice] for i in self.training.tolist()]
        return hashlib.sha256(json.dumps(chosen).encode()).hexdigest()[:16]

    def as_json(self) -> dict[str, Any]:
        """What `open_regime` makes the same of, in another process."""
        chosen = [(self.slices.records[i].case, self.slices.records[i].slice) for i in self.training]
        return {
            "dataset": str(self.dataset.root.resolve()),
            "identity": self.dataset.identity,
            "size": self.slices.size,
            "axis": self.slices.axis,
            "split": asdict(self.split),
            "labelled": list(self.labelled),
            "training": chosen if self.reduced else None,
        }


def open_regime(content: Mapping[str, Any]) -> Regime:
    """The regime that `Regime.as_json` told of.

    Raises:
        UserError: the dataset is gone or was changed.
    """
    dataset = open_dataset(Path(content["dataset"]))
    if dataset.identity != content["identity"]:
        raise UserError(
            f"{dataset.root} was changed since the trial began ({content['identity']} then, {dataset.identity} now): put "
            "it back, or begin another trial."
        )
    split = Split(**{part: tuple(subjects) for part, subjects in content["split"].items()})
    kept = None if content["training"] is None else tuple((case, number) for case, number in content["training"])
    return choose_regime(
        open_slices(dataset, size=content["size"], axis=content["axis"]),
        split,
        subset=Subset("", tuple(content["labelled"]), kept),
        real_slices=None,
    )


def choose_regime(slices: SliceSet, split: Split, *, subset: str | Subset | None, real_slices: int | None) -> Regime:
    """Choose training, validation and test slices.

    Args:
        subset: a subset of the training subjects or slices, or the name of a stored one; default: all of them.
        real_slices: use only so many, drawn at random from them.

    Raises:
        UserError: the subset is unknown, or a part has no slices or no labels.
    """
    root = slices.dataset.root
    whole = slices.indices(split.train)
    training = whole
    if subset is not None:
        chosen = _stored(slices.dataset, subset) if isinstance(subset, str) else subset
        training = _of_subset(slices, training, chosen)
    if real_slices is not None:
        if not 1 <= real_slices <= len(training):
            raise UserError(
                f"--real-slices {real_slices}: {root} has {len(training)} slices to train on; give at most that."
            )
        drawn = slice_subset([slices.records[i] for i in training], n=real_slices, seed=_REAL_SLICES_SEED)
        training = _of_subset(slices, training, drawn)
    labelled = tuple(sorted({slices.records[i].subject for i in training}))
    parts = {"train": training, "validation": slices.indices(split.validation), "test": slices.indices(split.test)}
    for part, indices in parts.items():
        if not any(slices.records[i].foreground for i in indices):
            found = "only empty masks" if len(indices) else "no slices"
            raise UserError(
                f"{root} has {found} in its {part} part, which a trial needs: make another split (segmint data split)."
            )
    reduced = len(training) < len(slices.indices(labelled))
    return Regime(slices, split, labelled, training, parts["validation"], parts["test"], reduced)


def _stored(dataset: Dataset, name: str) -> Subset:
    if name not in dataset.subsets:
        known = ", ".join(dataset.subsets) or "none"
        raise UserError(
            f"--subset {name}: {dataset.root} has no such subset (it has {known}): make one with segmint data split."
        )
    return dataset.subsets[name]


def _of_subset(slices: SliceSet, indices: NDArray[np.int64], subset: Subset) -> NDArray[np.int64]:
    subjects, chosen = set(subset.subjects), None if subset.slices is None else set(subset.slices)
    kept = [
        i
        for i in indices.tolist()
        if slices.records[i].subject in subjects
        and (chosen is None or (slices.records[i].case, slices.records[i].slice) in chosen)
    ]
    return np.array(kept, dtype=np.int64)
