"""One file per system; the list is explicit. A newcomer adds a system by adding its file and one line here."""

from __future__ import annotations

from segmint.errors import UserError
from segmint.recipes import (
    datasetgan,
    em_pix2pix,
    joint_stylegan2,
    mask_stylegan2,
    mask_transfer,
    mask_vae,
    segan,
    semanticgan,
    stroke_pix2pix,
    unet,
    vess2image,
    vessgan,
)
from segmint.recipes.recipe import Recipe

RECIPES: tuple[Recipe, ...] = (
    joint_stylegan2.RECIPE,
    datasetgan.RECIPE,
    semanticgan.RECIPE,
    vessgan.RECIPE,
    mask_vae.RECIPE,
    mask_stylegan2.RECIPE,
    vess2image.RECIPE,
    em_pix2pix.RECIPE,
    stroke_pix2pix.RECIPE,
    mask_transfer.RECIPE,
    segan.RECIPE,
    unet.RECIPE,
)


def find_recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        UserError: there is none.
    """
    for recipe in RECIPES:
        if recipe.name == name:
            return recipe
    raise UserError(f"There is no recipe {name!r}: choose one of {', '.join(recipe.name for recipe in RECIPES)}.")


def recipe_that_gives(what: str) -> Recipe:
    """The first recipe that gives `what` (see `Recipe.gives`).

    Raises:
        UserError: none does.
    """
    for recipe in RECIPES:
        if what in recipe.gives:
            return recipe
    raise UserError(f"No recipe gives {what}: segmint recipes lists what each gives.")
