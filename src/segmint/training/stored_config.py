"""config.json as it is read back: whatever a folder from elsewhere says, only what `train` could have written is gone on with."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import BaseModel, Field, FiniteFloat, StrictBool, StrictInt, StrictStr, ValidationError, model_validator

from segmint.data.conditions import checked_conditions
from segmint.data.formats import find_format
from segmint.data.formats.memory import FLOAT32, check_memory
from segmint.data.intensity import IntensityMap
from segmint.data.orientation import names_orientation
from segmint.data.sidecar import first_complaint
from segmint.errors import UserError
from segmint.recipes import find_recipe
from segmint.recipes.contract import Task
from segmint.recipes.recipe import Recipe, RecipeSettings
from segmint.training.parts import Part, read_parts
from segmint.training.run_folder import RunFolder

LARGEST_SIDE = 16384
"""Pixels of a training image."""
# Of every weight that is read: the file, its tensors, and the network's own.
_COPIES = 3

Side = Annotated[StrictInt, Field(ge=1, le=LARGEST_SIDE)]
Count = Annotated[StrictInt, Field(ge=1)]
Seen = list[tuple[StrictStr, StrictStr]]
Marks = list[tuple[StrictStr, StrictStr, StrictStr]]
Names = Annotated[list[StrictStr], Field(min_length=1, max_length=256)]


class StoredTask(BaseModel):
    """See `segmint.recipes.contract.Task`."""

    size: Side
    image_channels: Annotated[StrictInt, Field(ge=1, le=256)]
    label_count: Annotated[StrictInt, Field(ge=2, le=256)]
    batch: Count
    total_images: Count
    condition_counts: list[Annotated[StrictInt, Field(ge=2, le=256)]] = []


class StoredSegmenter(BaseModel):
    """config.json of what `train_segmenter` wrote."""

    recipe: StrictStr
    seed: Annotated[StrictInt, Field(ge=0)]
    settings: dict[StrictStr, Any]
    task: StoredTask


class StoredPart(BaseModel):
    """See `segmint.training.parts.Part`."""

    role: Literal["transfer", "masks", "main"]
    recipe: StrictStr
    preset: StrictStr
    settings: dict[StrictStr, Any]
    task: StoredTask


class StoredDataset(BaseModel):
    """What the run was trained on."""

    path: StrictStr
    name: StrictStr
    identity: StrictStr
    channel_names: Names
    label_names: Annotated[Names, Field(min_length=2)]
    file_ending: StrictStr
    dimensions: Literal[2, 3]
    rgb: StrictBool
    licence: StrictStr | None
    training_slices: Count


class StoredGrid(BaseModel):
    """Where what is drawn lies; runs of earlier versions do not tell the orientation."""

    scale: Annotated[FiniteFloat, Field(ge=1e-4, le=1e4)]
    reference_shape: Annotated[list[Count], Field(min_length=2, max_length=2)]
    spacing: Annotated[list[Annotated[FiniteFloat, Field(gt=0)]], Field(min_length=2, max_length=3)]
    intensity: list[IntensityMap]
    orientation: StrictStr | None = None


class StoredSplit(BaseModel):
    """Subjects by part."""

    train: list[StrictStr]
    validation: list[StrictStr]
    test: list[StrictStr]


class StoredAuxiliary(BaseModel):
    """The dataset that taught a condition map."""

    map: StrictStr


class StoredConfig(BaseModel):
    """What of config.json is read back; the rest is for people."""

    segmint: StrictStr
    torch: StrictStr
    recipe: StrictStr
    preset: StrictStr
    capacity: StrictStr
    precision: StrictStr
    size: Side
    axis: Annotated[StrictInt, Field(ge=0, le=2)] | None
    batch: Count
    kimg: Annotated[FiniteFloat, Field(gt=0)]
    seed: Annotated[StrictInt, Field(ge=0)]
    parts: Annotated[list[StoredPart], Field(min_length=1, max_length=3)]
    mask_source: StrictStr | None
    conditions: dict[StrictStr, list[StrictStr]]
    auxiliary: StoredAuxiliary | None
    dataset: StoredDataset
    grid: StoredGrid
    split: StoredSplit
    subset: StrictStr | None
    labelled_subjects: Count | None
    labels_seen: Seen
    images_seen: Seen
    selected_on: Seen
    marks_seen: Marks = []

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        checked_conditions(self.conditions)
        main, dataset = self.parts[-1], self.dataset
        for part in self.parts:
            find_recipe(part.recipe)
        channels, labels = main.task.image_channels, main.task.label_count
        if main.role != "main" or (main.recipe, main.preset) != (self.recipe, self.preset):
            raise ValueError("its last part is not that of its recipe")
        if channels != len(dataset.channel_names) or channels != len(self.grid.intensity):
            raise ValueError("its numbers of channels differ")
        if labels != len(dataset.label_names):
            raise ValueError("its numbers of labels differ")
        if (self.axis is None) != (dataset.dimensions == 2) or len(self.grid.spacing) < dataset.dimensions:
            raise ValueError("its dimensions differ")
        orientation = self.grid.orientation
        if orientation is not None and (dataset.dimensions == 2 or not names_orientation(orientation)):
            raise ValueError("its images cannot have that orientation")
        needs_masks = self.mask_source not in (None, "real", "deformed")
        if needs_masks and not any(part.role == "masks" for part in self.parts):
            raise ValueError(f'it has no part that draws the masks of "{self.mask_source}"')
        if any(part.role == "transfer" for part in self.parts) != (self.auxiliary is not None):
            raise ValueError("it has a part for an auxiliary dataset, or such a dataset, without the other")
        return self


def read_config(run: RunFolder) -> dict[str, Any]:
    """config.json of a run that `train` wrote.

    Raises:
        UserError: it is none, or says what `train` would not.
    """
    content, path = run.config, run.root / "config.json"
    try:
        found = StoredConfig.model_validate(content)
    except ValidationError as error:
        raise _no_configuration(path, first_complaint(error)) from error
    dataset = found.dataset
    file_format = find_format(dataset.file_ending, where=path)
    if dataset.rgb and (len(dataset.channel_names) != 3 or file_format.dimensions != frozenset({2})):
        raise _no_configuration(path, "no such file is in colour")
    check_memory(path, (len(dataset.channel_names), *found.grid.reference_shape), bytes_a_value=_COPIES * FLOAT32)
    return content


def read_checked_parts(run: RunFolder, config: dict[str, Any]) -> list[Part]:
    """The parts of a run whose networks can be built, and are not larger than may be read.

    Raises:
        UserError: the configuration is not one of a run, or its networks are too large.
    """
    path = run.root / "config.json"
    parts = read_parts(config, str(path))
    for part in parts:
        _check_networks(path, part.recipe, part.task, part.settings)
    return parts


def read_segmenter(run: RunFolder) -> tuple[Recipe, RecipeSettings, Task, int]:
    """Recipe, settings, task and seed of what `train_segmenter` wrote.

    Raises:
        UserError: it is no such folder, or its networks are too large.
    """
    path = run.root / "config.json"
    try:
        found = StoredSegmenter.model_validate(run.config)
        recipe = find_recipe(found.recipe)
        if "segmenter" not in recipe.gives:
            raise _no_configuration(path, f"{recipe.name} gives no segmenter")
        settings = type(recipe.presets["repaired"]).model_validate(found.settings)
    except ValidationError as error:
        raise _no_configuration(path, first_complaint(error)) from error
    task = Task.from_json(found.task.model_dump())
    _check_networks(path, recipe, task, settings)
    return recipe, settings, task, found.seed


def _check_networks(path: Path, recipe: Recipe, task: Task, settings: RecipeSettings) -> None:
    """Whether networks can be built, and how large they would be, before they take any memory."""
    try:
        with torch.device("meta"):
            stages = recipe.stages(task, settings)
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise _no_configuration(path, str(error)) from error
    held = [one for stage in stages for one in (*stage.parameters(), *stage.buffers())]
    weights = sum(prod(one.shape) * one.element_size() for one in held)
    check_memory(path, (weights,), bytes_a_value=_COPIES)


def _no_configuration(path: Path, reason: str) -> UserError:
    return UserError(f"{path} is not the configuration of a run ({reason}): train again.")
