"""What a run learns from: slices of the training subjects, validation slices, condition maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmint.data.conditioned_pool import ConditionedPool
from segmint.data.dataset import Dataset
from segmint.data.foreground import FOREGROUND, foreground_of_pool
from segmint.data.pool import PairPool, PoolPart
from segmint.data.slices import SliceSet, open_slices, open_unlabelled_slices
from segmint.data.split import make_split, nested_subsets
from segmint.data.subjects import Split
from segmint.errors import UserError
from segmint.recipes.recipe import Recipe


@dataclass(frozen=True)
class TrainingData:
    """What a run trains on, validates on, and has therefore seen.

    Attributes:
        subjects: those whose labels may be seen; training: their pairs.
        image_subjects: those whose images may be seen; unlabelled: their images, all label maps hidden, those of
            imagesUnlabelled among them; images_alone: how many slices of the latter.
    """

    dataset: Dataset
    slices: SliceSet
    split: Split
    subjects: tuple[str, ...]
    training: PairPool
    validation: PairPool
    image_subjects: tuple[str, ...]
    unlabelled: PairPool
    images_alone: int = 0


@dataclass(frozen=True)
class Material:
    """The pools a stage is fed from, and what it is looked at with."""

    training: ConditionedPool
    validation: ConditionedPool
    unlabelled: ConditionedPool

    @property
    def streams(self) -> dict[str, ConditionedPool]:
        """Input streams by name."""
        return {"labelled": self.training, "unlabelled": self.unlabelled}

    def with_condition(
        self, name: str, count: int, training: NDArray[np.uint8], validation: NDArray[np.uint8]
    ) -> Material:
        """The same with one more condition map, of `count` ids, for every slice."""
        return Material(
            self.training.with_condition(name, count, training),
            self.validation.with_condition(name, count, validation),
            self.unlabelled,
        )

    def ordered(self, names: Sequence[str]) -> Material:
        """The same condition maps in the order of `names`."""
        return Material(self.training.ordered(names), self.validation.ordered(names), self.unlabelled)


def default_size(dataset: Dataset, *, device: str, axis: int | None) -> int:
    """Smallest power of two from 32 that holds the slices, at most 64 on a CPU and 256 on a GPU."""
    largest = 64 if device == "cpu" else 256
    side = max(open_slices(dataset, size=largest, axis=axis).reference_shape)
    return int(min(largest, max(32, 2 ** int(np.ceil(np.log2(side))))))


def training_data(
    dataset: Dataset,
    *,
    size: int,
    axis: int | None,
    seed: int,
    subset: str | None = None,
    labelled_subjects: int | None = None,
    tile: int | None = None,
    split: Split | None = None,
    with_unlabelled: bool = False,
) -> TrainingData:
    """Pools of the training and validation subjects; a seeded split is made where none is given and the dataset has none.

    Args:
        with_unlabelled: images of imagesUnlabelled are to be learnt from too, but those of validation and test subjects, and
            of training subjects that the subset leaves out.

    Raises:
        UserError: the subset is unknown or the split leaves nothing to train or validate on.
    """
    slices = open_slices(dataset, size=size, axis=axis)
    split = split or dataset.split or make_split(dataset.subjects, seed=seed)
    subjects: tuple[str, ...] = split.train
    indices = slices.indices(subjects)
    if subset is not None:
        if subset not in dataset.subsets:
            known = ", ".join(dataset.subsets) or "none"
            raise UserError(
                f"--subset {subset}: {dataset.root} has no such subset (it has {known}): segmint data split makes one."
            )
        stored = dataset.subsets[subset]
        subjects = tuple(subject for subject in split.train if subject in set(stored.subjects))
        indices = slices.indices(subjects)
        if stored.slices is not None:
            wanted = set(stored.slices)
            indices = np.array(
                [i for i in indices if (slices.records[i].case, slices.records[i].slice) in wanted], dtype=np.int64
            )
    image_subjects, image_indices = subjects, indices
    if labelled_subjects is not None:
        if not 1 <= labelled_subjects <= len(subjects):
            raise UserError(f"--labelled-subjects {labelled_subjects}: there are {len(subjects)} training subjects.")
        chosen = Split(train=subjects, validation=split.validation, test=split.test)
        subjects = nested_subsets(chosen, [labelled_subjects], seed=seed)[str(labelled_subjects)].subjects
        indices = np.intersect1d(indices, slices.indices(subjects))
    alone = open_unlabelled_slices(slices) if with_unlabelled else None
    alone_indices = np.zeros(0, dtype=np.int64)
    if alone is not None:
        withheld = (split.subjects | set(dataset.subjects)) - set(image_subjects)
        allowed = set(alone.dataset.subjects) - withheld
        alone_indices = alone.indices(allowed)
        image_subjects = (*image_subjects, *sorted(allowed - set(image_subjects)))
    validation = slices.indices(split.validation)
    for name, found in (("training", indices), ("validation", validation)):
        if len(found) == 0:
            raise UserError(
                f"{dataset.root} has no slices for {name}: give its split some subjects (segmint data split)."
            )
    return TrainingData(
        dataset,
        slices,
        split,
        subjects,
        PairPool([PoolPart(slices, indices)], tile=tile),
        PairPool([PoolPart(slices, validation)], tile=tile),
        image_subjects,
        PairPool(
            [PoolPart(slices, image_indices), *([] if alone is None else [PoolPart(alone, alone_indices)])],
            tile=tile,
            hidden=True,
        ),
        images_alone=len(alone_indices),
    )


def condition_names(
    recipe: Recipe, dataset: Dataset, *, named: Sequence[str] | None, predicted: str | None
) -> list[str]:
    """Condition maps a recipe is given, in order.

    Args:
        named: the user's choice; None leaves it to the recipe, an empty one gives none.
        predicted: a map that an auxiliary dataset teaches to predict.

    Raises:
        UserError: a map is neither in the dataset nor can be computed, one is named twice, or the recipe takes none.
    """
    # Recipes that paint masks take every map they are given, also those that ask for none.
    if named and recipe.conditions == "none" and "images" not in recipe.gives:
        raise UserError(f"--conditions {','.join(named)}: {recipe.name} takes no condition map: leave it out.")
    offered = [*dataset.conditions, *([predicted] if predicted is not None else [])]
    match recipe.conditions:
        case "none":
            by_recipe = []
        case "all":
            by_recipe = offered
        case chosen:
            by_recipe = list(chosen)
    wanted = by_recipe if named is None else list(named)
    for name in wanted:
        if wanted.count(name) > 1:
            raise UserError(f"--conditions {','.join(wanted)}: {name} is named twice: name it once.")
        if name not in offered and name != FOREGROUND:
            raise UserError(
                f'{dataset.root} has no condition map "{name}" (it has {", ".join(offered) or "none"}): '
                f"leave it out of --conditions, or have it predicted with --auxiliary DATASET:{name}."
            )
    return wanted


def conditioned(data: TrainingData, names: Sequence[str], predicted: str | None = None) -> Material:
    """The pools with the named condition maps, foreground computed where the dataset has none; `predicted` comes later."""
    present = [name for name in names if name in data.dataset.conditions]
    material = Material(
        ConditionedPool(data.training, present),
        ConditionedPool(data.validation, present),
        ConditionedPool(data.unlabelled),
    )
    if FOREGROUND in names and FOREGROUND not in present and predicted != FOREGROUND:
        material = material.with_condition(
            FOREGROUND, 2, foreground_of_pool(data.training), foreground_of_pool(data.validation)
        )
    return material.ordered([name for name in names if name != predicted])
