"""Stages as the loop needs them: seeded, on their device, in their memory format, with optimisers."""

from __future__ import annotations

import torch

from segmint.recipes.contract import Stage, Task
from segmint.recipes.recipe import Recipe, RecipeSettings
from segmint.training.precision import Hardware


def build_stages(recipe: Recipe, task: Task, settings: RecipeSettings, hardware: Hardware, *, seed: int) -> list[Stage]:
    """Build all stages of a recipe; initial weights depend on `seed` alone, and the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        stages = list(recipe.stages(task, settings))
    for stage in stages:
        stage.to(hardware.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        stage.build_optimizers()
    return stages
