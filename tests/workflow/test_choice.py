"""Which recipe is picked, and the reason given."""

from __future__ import annotations

from dataclasses import replace

import pytest

from segmint.errors import UserError
from segmint.recipes import RECIPES, find_recipe
from segmint.recipes.recipe import DataFacts, Recipe
from segmint.workflow.choice import choose_recipe, facts_of

ALL_LABELLED = DataFacts(pairs=120, subjects=30, channels=4, labels=4)


def recipe(name: str, why: str | None, gives: str = "pairs") -> Recipe:
    return replace(find_recipe("joint-stylegan2"), name=name, gives=frozenset({gives}), suits=lambda _facts: why)


def test_all_slices_labelled_leads_to_the_joint_recipe() -> None:
    choice = choose_recipe(ALL_LABELLED, RECIPES, dataset="hearts")
    assert choice.recipe == "joint-stylegan2"
    assert "hearts" in choice.why
    assert "120 images has a label map" in choice.why


def test_images_without_labels_lead_to_a_recipe_that_learns_from_them() -> None:
    choice = choose_recipe(replace(ALL_LABELLED, unlabelled=400), RECIPES, dataset="hearts")
    assert choice.recipe == "datasetgan"
    assert "400 of its images have no label map" in choice.why
    assert "labels from the 120 that have one" in choice.why


def test_a_few_images_without_labels_do_not_decide() -> None:
    choice = choose_recipe(replace(ALL_LABELLED, unlabelled=40), RECIPES, dataset="hearts")
    assert choice.recipe == "joint-stylegan2"
    assert "the 40 without are left out" in choice.why
    assert "These suit it too: datasetgan" in choice.why


def test_the_first_that_suits_wins_and_the_others_are_named() -> None:
    recipes = [recipe("a", None), recipe("b", "of b's reason"), recipe("c", "of c's reason")]
    choice = choose_recipe(ALL_LABELLED, recipes, dataset="hearts")
    assert choice.recipe == "b"
    assert choice.why == "b was chosen for hearts: of b's reason. These suit it too: c."


def test_a_recipe_that_gives_no_pairs_is_never_picked() -> None:
    with pytest.raises(UserError, match="No recipe suits hearts"):
        choose_recipe(ALL_LABELLED, [recipe("unet", "always", gives="segmenter")], dataset="hearts")


def test_a_named_recipe_is_taken_if_it_gives_pairs() -> None:
    assert choose_recipe(ALL_LABELLED, (), dataset="hearts", named="joint-stylegan2").recipe == "joint-stylegan2"
    with pytest.raises(UserError, match="draws no pairs"):
        choose_recipe(ALL_LABELLED, RECIPES, dataset="hearts", named="unet")
    with pytest.raises(UserError, match="no recipe 'pix3pix'"):
        choose_recipe(ALL_LABELLED, RECIPES, dataset="hearts", named="pix3pix")


def test_facts_come_from_an_inspection() -> None:
    inspection = {"pairs": 6, "subjects": 3, "channels": [{}, {}], "labels": [{}, {}, {}], "unlabelled_images": 4}
    assert facts_of(inspection) == DataFacts(pairs=6, subjects=3, channels=2, labels=3, unlabelled=4)
