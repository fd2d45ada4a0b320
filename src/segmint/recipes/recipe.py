"""A recipe: one published system, with its settings and its stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from segmint.errors import UserError
from segmint.recipes.contract import Stage, Task


class RecipeSettings(BaseModel):
    """Base of each recipe's settings: typed, frozen, unknown keys refused."""

    # Every value must come back from JSON, which knows neither infinity nor NaN.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, values: Any) -> Any:
        """Several values of one setting may be written with commas, as in `--set augment=flips,elastic`."""
        if not isinstance(values, Mapping):
            return values
        return {
            key: [part.strip() for part in value.split(",") if part.strip()]
            if isinstance(value, str)
            and key in cls.model_fields
            and get_origin(cls.model_fields[key].annotation) is tuple
            else value
            for key, value in values.items()
        }


@dataclass(frozen=True)
class DataFacts:
    """What a dataset has, for the choice of a recipe."""

    pairs: int
    subjects: int
    channels: int
    labels: int
    unlabelled: int = 0


@dataclass(frozen=True)
class Recipe:
    """One published system.

    Attributes:
        gives: any of "pairs", "masks", "images" (for masks it is given), "conditions", "segmenter".
        presets: settings by preset name; "repaired" is the default.
        capacities: overrides of the settings by capacity ("small", "full").
        preset_capacities: the same by preset, for a preset with settings of another kind.
        suits: says in one sentence why the recipe fits the data, or None where it does not; by default it is taken only by
            name.
        batch, kimg: defaults of the budget.
        epochs: by preset, passes over the training slices, where the source counts so; they take the place of `kimg`.
        governed: settings in kimg that are budgets of single stages; those of a segmenter follow from its steps.
        conditions: which condition maps it is given: "none", "all" that the dataset has, or these by name.
        mask_source: by preset, where a recipe that gives images takes its masks from unless told otherwise.
        truncation, keep: by preset, of sampling unless told otherwise; 1 where absent.
    """

    name: str
    title: str
    source: str
    gives: frozenset[str]
    presets: Mapping[str, RecipeSettings]
    capacities: Mapping[str, Mapping[str, Any]]
    stages: Callable[[Task, Any], Sequence[Stage]]
    batch: Mapping[str, int]
    kimg: float
    suits: Callable[[DataFacts], str | None] = lambda _: None
    preset_capacities: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    epochs: Mapping[str, float] = field(default_factory=dict)
    mask_source: Mapping[str, str] = field(default_factory=dict)
    truncation: Mapping[str, float] = field(default_factory=dict)
    keep: Mapping[str, float] = field(default_factory=dict)
    governed: tuple[str, ...] = ()
    conditions: Literal["none", "all"] | tuple[str, ...] = "none"

    def check_preset(self, preset: str) -> None:
        """Whether there is such a preset.

        Raises:
            UserError: there is none.
        """
        if preset not in self.presets:
            raise UserError(f"{self.name} has no preset {preset!r}: choose one of {', '.join(self.presets)}.")

    def budgets(self, images: int) -> dict[str, str]:
        """Changes of the settings after which every stage is shown so many images, where the budget itself does not do."""
        return {name: str(images / 1000) for name in self.governed}

    def settings(self, *, preset: str, capacity: str, changes: Mapping[str, str]) -> RecipeSettings:
        """Settings of a preset at a capacity, with the user's `--set key=value` changes.

        Raises:
            UserError: unknown preset, capacity or key, or a value that does not fit.
        """
        self.check_preset(preset)
        capacities = self.preset_capacities.get(preset, self.capacities)
        if capacity not in capacities:
            raise UserError(f"{self.name} has no capacity {capacity!r}: choose one of {', '.join(capacities)}.")
        base = self.presets[preset]
        for key in changes:
            if key not in type(base).model_fields:
                known = ", ".join(type(base).model_fields)
                raise UserError(f"--set {key}: {self.name} has no such setting; it has {known}.")
        try:
            return type(base).model_validate({**base.model_dump(), **capacities[capacity], **changes})
        except ValidationError as error:
            first = error.errors()[0]
            name = first["loc"][0]
            # A setting that takes several types gives one message for each.
            reasons = " or ".join(found["msg"] for found in error.errors() if found["loc"][0] == name)
            raise UserError(f"--set {name}={first['input']}: {reasons}.") from error
