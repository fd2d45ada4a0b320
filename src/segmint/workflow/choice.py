"""Picking a recipe by what the data has, and saying why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segmint.errors import UserError
from segmint.recipes import find_recipe
from segmint.recipes.recipe import DataFacts, Recipe


@dataclass(frozen=True)
class Choice:
    """A recipe's name and the reason for it, one sentence."""

    recipe: str
    why: str


def facts_of(inspection: Mapping[str, Any]) -> DataFacts:
    """What `inspect_dataset` found, as far as the choice of a recipe rests on it."""
    return DataFacts(
        pairs=int(inspection["pairs"]),
        subjects=int(inspection["subjects"]),
        channels=len(inspection["channels"]),
        labels=len(inspection["labels"]),
        unlabelled=int(inspection["unlabelled_images"]),
    )


def choose_recipe(facts: DataFacts, recipes: Sequence[Recipe], *, dataset: str, named: str | None = None) -> Choice:
    """The named recipe (one that gives pairs, or images for masks), or the first that says that it suits the data.

    Raises:
        UserError: the named recipe does not exist or gives no pairs, or none suits.
    """
    if named is not None:
        if not find_recipe(named).gives & {"pairs", "images"}:
            raise UserError(f"--recipe {named}: this recipe draws no pairs; choose one that does (segmint recipes).")
        return Choice(named, f"{named} was named by the user.")
    suited = [(recipe, why) for recipe in recipes if "pairs" in recipe.gives and (why := recipe.suits(facts))]
    if not suited:
        raise UserError(
            f"No recipe suits {dataset} ({facts.pairs} images with label maps, {facts.unlabelled} without): name one"
            " with --recipe (segmint recipes lists them)."
        )
    recipe, why = suited[0]
    others = ", ".join(other.name for other, _ in suited[1:])
    also = f" These suit it too: {others}." if others else ""
    return Choice(recipe.name, f"{recipe.name} was chosen for {dataset}: {why}.{also}")
