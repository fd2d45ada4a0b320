"""Every setting of every preset "faithful", beside the tests that hold the networks and losses against their papers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from segmint.recipes import RECIPES
from segmint.recipes.recipe import Recipe

PUBLISHED = json.loads((Path(__file__).parent / "published.json").read_text())


def described(recipe: Recipe) -> dict[str, Any]:
    settings = recipe.settings(preset="faithful", capacity="full", changes={}).model_dump()
    described = {"batch": recipe.batch["faithful"], "epochs": recipe.epochs.get("faithful"), "settings": settings}
    return dict(json.loads(json.dumps(described)))


@pytest.mark.parametrize(
    "recipe", [one for one in RECIPES if "faithful" in one.presets], ids=lambda recipe: recipe.name
)
def test_nothing_published_changes_unseen(recipe: Recipe) -> None:
    assert described(recipe) == PUBLISHED[recipe.name]
