from __future__ import annotations

import torch

from segmint.recipes import find_recipe
from segmint.recipes.contract import Task
from segmint.training.build import build_stages
from segmint.training.estimate import estimate
from segmint.training.precision import choose_hardware


def test_memory_grows_with_the_batch_and_time_with_the_budget() -> None:
    recipe = find_recipe("joint-stylegan2")
    settings = recipe.settings(
        preset="repaired", capacity="small", changes={"latent_size": "8", "width_base": "128", "width_maximum": "8"}
    )
    hardware = choose_hardware(device="cpu", precision="float32", threads=1)
    small, large = Task(32, 1, 3, 4, 1000), Task(32, 1, 3, 64, 1000)
    (stage,) = build_stages(recipe, small, settings, hardware, seed=0)
    before = {name: value.clone() for name, value in stage.state_dict().items()}
    guesses = [estimate(stage, task, hardware, seed=0) for task in (small, large)]
    assert guesses[1].memory_mb > 4 * guesses[0].memory_mb > 0
    assert guesses[0].seconds > 0
    assert all(torch.equal(before[name], value) for name, value in stage.state_dict().items()), (
        "the stage is not changed"
    )
