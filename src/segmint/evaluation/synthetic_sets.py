"""The synthetic datasets a trial draws its F from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmint.data.case import Provenance
from segmint.data.dataset import Dataset, open_dataset
from segmint.data.pool import PairPool, PoolPart
from segmint.data.slices import SliceSet, open_slices
from segmint.errors import UserError
from segmint.evaluation.arms import Arm
from segmint.evaluation.copied_tests import check_copied_tests
from segmint.evaluation.regime import Regime
from segmint.evaluation.seen import Parts, check_seen
from segmint.training.run_folder import RunFolder
from segmint.training.stored_config import read_config


@dataclass(frozen=True)
class SyntheticSet:
    """One synthetic dataset.

    Attributes:
        slices: on the trial's grid.
        pairs: indices of the synthetic ones, in the order they were drawn. The rest are real cases that a dataset for
            nnU-Net may hold beside them.
    """

    dataset: Dataset
    provenance: Provenance
    slices: SliceSet
    pairs: NDArray[np.int64]

    def described(self) -> dict[str, Any]:
        """What trial.json says of it."""
        return {
            "path": str(self.dataset.root.resolve()),
            "identity": self.dataset.identity,
            "pairs": len(self.pairs),
            "run": self.provenance.run,
            "recipe": self.provenance.recipe,
            "checkpoint_sha256": self.provenance.checkpoint_sha256,
            "seed": self.provenance.seed,
            "labels_seen": [list(entry) for entry in self.provenance.labels_seen],
            "images_seen": [list(entry) for entry in self.provenance.images_seen],
            "selected_on": [list(entry) for entry in self.provenance.selected_on],
        }


def open_synthetic_sets(
    paths: Sequence[Path], regime: Regime, arms: Sequence[Arm]
) -> tuple[tuple[SyntheticSet, ...], list[str]]:
    """Open synthetic datasets and check that every arm with F may use them and finds enough pairs in them.

    Returns:
        The sets, and notes on what their generators have seen.

    Raises:
        UserError: a set does not fit the real dataset, is refused by an arm, or holds too few pairs.
    """
    using = [arm for arm in arms if arm.synthetic]
    if paths and not using:
        raise UserError(
            f"No arm would use {paths[0]}: name one with F, such as 100F, or leave the synthetic dataset out."
        )
    if using and not paths:
        raise UserError(
            f"The arm {using[0].name} needs synthetic pairs: give a synthetic dataset, or name arms without F."
        )
    sets: list[SyntheticSet] = []
    notes: list[str] = []
    for path in paths:
        dataset = open_dataset(path)
        parts = Parts(
            regime.dataset.identity,
            regime.labelled,
            regime.split.validation,
            regime.split.test,
            regime.slices.subjects_by_mark,
        )
        notes += check_seen(path, dataset.provenance, parts, arm=using[0].name)
        assert dataset.provenance is not None
        if (dataset.identity, dataset.provenance) in {(one.dataset.identity, one.provenance) for one in sets}:
            raise UserError(f"{path} is given twice, or is a copy: give each synthetic dataset once.")
        slices = open_slices(
            dataset, size=regime.slices.size, axis=regime.slices.axis if dataset.dimensions == 3 else None
        )
        # Raises where channels or labels differ.
        PairPool([PoolPart(part, np.zeros(1, np.int64)) for part in (regime.slices, slices)])
        pairs = slices.indices(set(dataset.subjects) - set(regime.dataset.subjects))
        check_axis(slices, pairs, axis=regime.slices.axis)
        _check_enough(path, len(pairs), len(regime.training), using)
        notes += check_copied_tests(path, regime, slices, pairs)
        if abs(slices.scale / regime.slices.scale - 1) > 0.02:
            notes.append(
                f"{path.name}: its pixels are {regime.slices.scale / slices.scale:.2f} times as large as those of the "
                f"real slices."
            )
        sets.append(SyntheticSet(dataset, dataset.provenance, slices, pairs))
    return tuple(sets), notes


def check_axis(slices: SliceSet, pairs: NDArray[np.int64], *, axis: int | None) -> None:
    """Whether pairs show the plane in which the real volumes are cut.

    Args:
        slices: of a synthetic dataset; pairs: indices of the synthetic ones; axis: along which the real volumes are cut.

    Raises:
        UserError: they are single slices of another plane.
    """
    if axis is None or not len(pairs):
        return
    drawn = slices.records[int(pairs[0])].case
    (case,) = (one for one in slices.dataset.cases if one.id == drawn)
    shape = slices.dataset.geometry(case).shape
    if len(shape) == 3 and shape[axis] != 1 and 1 in shape:
        raise UserError(
            f"{slices.dataset.root} holds slices along axis {shape.index(1)}, but the real volumes would be cut along axis {axis}:"
            f" give --axis {shape.index(1)}."
        )


def _check_enough(path: Path, pairs: int, real_slices: int, arms: Sequence[Arm]) -> None:
    most = max(arms, key=lambda arm: arm.synthetic)
    needed = most.counts(real_slices).synthetic
    if pairs < needed:
        smaller = f", or name arms up to {100 * pairs // real_slices}F" if 100 * pairs >= real_slices else ""
        raise UserError(
            f"{path} holds {pairs} pairs, but the arm {most.name} needs {needed} ({most.synthetic}% of {real_slices} "
            f"real slices): sample {needed} pairs{smaller}."
        )


def generator_runs(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Configurations of the runs that synthetic datasets come from, as far as they can still be found.

    Raises:
        UserError: a path is no dataset.
    """
    found = []
    for path in paths:
        provenance = open_dataset(path).provenance
        run = Path(provenance.run) if provenance is not None else None
        if run is not None and (run / "config.json").is_file():
            found.append(read_config(RunFolder(run)))
    return found


def generators_of(sets: Sequence[SyntheticSet]) -> list[int]:
    """For each set the number of the generator that drew it, counted from 0.

    Sets of one run are of one generator, whichever of its checkpoints drew them; so are those of one checkpoint, wherever its
    run lay.
    """
    numbers = list(range(len(sets)))
    for i, one in enumerate(sets):
        for j, other in enumerate(sets[:i]):
            same_run = one.provenance.run == other.provenance.run
            if same_run or one.provenance.checkpoint_sha256 == other.provenance.checkpoint_sha256:
                numbers = [numbers[j] if number == numbers[i] else number for number in numbers]
    order = list(dict.fromkeys(numbers))
    return [order.index(number) for number in numbers]


def generator_count(sets: Sequence[SyntheticSet]) -> int:
    """How many different generators drew the sets."""
    return len(set(generators_of(sets)))
