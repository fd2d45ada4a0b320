"""A run's parts: the recipe asked for, and those it stands on, in the order they are trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import ValidationError

from segmint.errors import UserError
from segmint.recipes import find_recipe
from segmint.recipes.contract import Stage, Task
from segmint.recipes.recipe import Recipe, RecipeSettings
from segmint.training.build import build_stages
from segmint.training.precision import Hardware

Role = Literal["transfer", "masks", "main"]
# Set for a whole part rather than for its recipe: `--set masks.kimg=4`.
BUDGET_KEYS = ("kimg", "batch", "preset")


@dataclass(frozen=True)
class Part:
    """One recipe within a run.

    Attributes:
        role: "transfer" predicts a condition map, "masks" draws masks for the main recipe, "main" is what was asked for.
    """

    role: Role
    recipe: Recipe
    preset: str
    settings: RecipeSettings
    task: Task

    def as_json(self) -> dict[str, Any]:
        """For config.json."""
        return {
            "role": self.role,
            "recipe": self.recipe.name,
            "preset": self.preset,
            "settings": self.settings.model_dump(mode="json"),
            "task": asdict(self.task),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Part:
        """The part a run folder tells of.

        Raises:
            KeyError, TypeError, ValueError, ValidationError: it tells of none.
        """
        recipe = find_recipe(stored["recipe"])
        settings = type(recipe.presets[stored["preset"]]).model_validate(stored["settings"])
        return cls(stored["role"], recipe, stored["preset"], settings, Task.from_json(stored["task"]))

    def build(self, hardware: Hardware, *, seed: int) -> list[Stage]:
        """Its stages, seeded."""
        return build_stages(self.recipe, self.task, self.settings, hardware, seed=seed)


@dataclass(frozen=True)
class Grid:
    """What all parts of a run share, besides the budget."""

    size: int
    image_channels: int
    label_count: int


def plan_part(
    role: Role,
    recipe: Recipe,
    grid: Grid,
    *,
    preset: str,
    capacity: str,
    condition_counts: Sequence[int],
    slices: int,
    changes: Mapping[str, str],
    kimg: float | None = None,
    batch: int | None = None,
) -> Part:
    """Resolve settings and budget of one part.

    Args:
        slices: number of training slices, for budgets in epochs.
        changes: settings by name; for a part the main one stands on also "kimg", "batch" and "preset".
        kimg, batch: budget; the recipe's own where None.

    Raises:
        UserError: a setting or the budget makes no sense.
    """
    changes, flag = dict(changes), "--" if role == "main" else f"--set {role}."
    if role != "main":
        preset = changes.pop("preset", preset)
        kimg = _number(f"{flag}kimg", changes.pop("kimg", None))
        batch = _whole_number(f"{flag}batch", changes.pop("batch", None))
    settings = recipe.settings(preset=preset, capacity=capacity, changes=changes)
    batch = recipe.batch[preset] if batch is None else batch
    if kimg is None:
        kimg = recipe.epochs[preset] * slices / 1000 if preset in recipe.epochs else recipe.kimg
    if batch < 1 or not 0 < kimg < math.inf:
        raise UserError(f"{flag}batch {batch} and {flag}kimg {kimg:g} must be positive and finite.")
    total = -(-round(kimg * 1000) // batch) * batch
    task = Task(grid.size, grid.image_channels, grid.label_count, batch, max(total, batch), tuple(condition_counts))
    return Part(role, recipe, preset, settings, task)


def settings_by_role(settings: Mapping[str, str]) -> dict[Role, dict[str, str]]:
    """`masks.key` and `transfer.key` belong to those parts, all other keys to the main one."""
    sorted_out: dict[Role, dict[str, str]] = {"transfer": {}, "masks": {}, "main": {}}
    for key, value in settings.items():
        prefix, dot, rest = key.partition(".")
        if dot and prefix == "masks":
            sorted_out["masks"][rest] = value
        elif dot and prefix == "transfer":
            sorted_out["transfer"][rest] = value
        else:
            sorted_out["main"][key] = value
    return sorted_out


def read_parts(config: Mapping[str, Any], where: str) -> list[Part]:
    """Parts of a run.

    Raises:
        UserError: the configuration is not one of a run.
    """
    try:
        return [Part.from_json(entry) for entry in config["parts"]]
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise UserError(f"{where} is not the configuration of a run ({error}): train again.") from error


def _number(flag: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise UserError(f"{flag}={text}: give a number.") from error


def _whole_number(flag: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise UserError(f"{flag}={text}: give a whole number.") from error
