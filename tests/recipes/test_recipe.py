"""What a recipe tells of itself, and how its settings are read."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from segmint.errors import UserError
from segmint.recipes import RECIPES, find_recipe, recipe_that_gives
from segmint.recipes.recipe import DataFacts, Recipe


def test_recipes_are_found_by_name() -> None:
    names = [recipe.name for recipe in RECIPES]
    assert len(set(names)) == len(names)
    for recipe in RECIPES:
        assert find_recipe(recipe.name) is recipe
    with pytest.raises(UserError, match=r"^There is no recipe 'stylegan9': choose one of joint-stylegan2, .*unet\.$"):
        find_recipe("stylegan9")


def test_recipes_are_found_by_what_they_give() -> None:
    assert "conditions" in recipe_that_gives("conditions").gives
    with pytest.raises(UserError, match="No recipe gives hope"):
        recipe_that_gives("hope")


def every_choice() -> list[tuple[Recipe, str, str]]:
    return [
        (recipe, preset, capacity) for recipe in RECIPES for preset in recipe.presets for capacity in recipe.capacities
    ]


@pytest.mark.parametrize(
    ("recipe", "preset", "capacity"), every_choice(), ids=lambda value: getattr(value, "name", value)
)
class TestEveryRecipe:
    def test_settings_come_back_from_json(self, recipe: Recipe, preset: str, capacity: str) -> None:
        """They are stored in a run's config.json, and sampling and resuming read them there."""
        settings = recipe.settings(preset=preset, capacity=capacity, changes={})
        stored = json.dumps(settings.model_dump(mode="json"), allow_nan=False)
        assert type(settings).model_validate(json.loads(stored)) == settings

    def test_settings_are_frozen(self, recipe: Recipe, preset: str, capacity: str) -> None:
        settings = recipe.settings(preset=preset, capacity=capacity, changes={})
        with pytest.raises(ValueError, match="frozen"):
            settings.learning_rate = 1.0  # type: ignore[attr-defined]

    def test_has_a_batch_and_a_source(self, recipe: Recipe, preset: str, capacity: str) -> None:  # noqa: ARG002
        assert recipe.batch[preset] >= 1
        assert recipe.source
        assert recipe.gives <= {"pairs", "masks", "images", "conditions", "segmenter"}

    def test_what_paints_has_a_mask_source(self, recipe: Recipe, preset: str, capacity: str) -> None:  # noqa: ARG002
        assert ("images" in recipe.gives) == bool(recipe.mask_source)
        source = recipe.mask_source.get(preset, "real")
        assert source in ("real", "deformed") or "masks" in find_recipe(source).gives


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_recipe_has_both_presets_and_both_capacities(recipe: Recipe) -> None:
    assert set(recipe.presets) == {"faithful", "repaired"}
    assert set(recipe.capacities) == {"small", "full"}


def change(changes: Mapping[str, str], *, preset: str = "repaired", capacity: str = "small") -> dict[str, object]:
    return find_recipe("joint-stylegan2").settings(preset=preset, capacity=capacity, changes=changes).model_dump()


def test_changes_are_parsed_to_their_types() -> None:
    settings = change({"latent_size": "64", "learning_rate": "1e-3", "r1_gamma": "5", "mirror": "hv"})
    chosen = [settings[key] for key in ("latent_size", "learning_rate", "r1_gamma", "mirror")]
    assert chosen == [64, 0.001, 5.0, "hv"]
    assert change({"r1_gamma": "auto"}, preset="faithful")["r1_gamma"] == "auto"
    assert change({"average_ramp": "none"})["average_ramp"] == "none"


def test_lists_are_written_with_commas() -> None:
    unet = find_recipe("unet")
    settings = unet.settings(preset="repaired", capacity="small", changes={"augment": "flips, strong"})
    assert settings.model_dump()["augment"] == ("flips", "strong")
    with pytest.raises(UserError, match="--set augment"):
        unet.settings(preset="repaired", capacity="small", changes={"augment": "mixup"})


def test_changes_win_over_capacity_and_capacity_over_preset() -> None:
    assert change({}, capacity="full")["width_maximum"] == 512
    assert change({}, capacity="small")["width_maximum"] == 128
    assert change({"width_maximum": "32"}, capacity="small")["width_maximum"] == 32


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"learning_rate": "-1"}, "--set learning_rate=-1: Input should be greater than 0."),
        ({"style_mixing": "1.5"}, "--set style_mixing=1.5: Input should be less than or equal to 1."),
        ({"mirror": "sideways"}, "--set mirror=sideways: Input should be 'none', 'h', 'v' or 'hv'."),
        ({"learning_rate": "inf"}, "--set learning_rate=inf: Input should be a finite number."),
        ({"r1_gamma": "nan"}, "--set r1_gamma=nan: Input should be a finite number or Input should be 'auto'."),
        (
            {"latent_size": "1.5"},
            "--set latent_size=1.5: Input should be a valid integer, unable to parse string as an integer.",
        ),
        (
            {"r1_gamma": "much"},
            "--set r1_gamma=much: Input should be a valid number, unable to parse string as a number "
            "or Input should be 'auto'.",
        ),
        (
            {"r1_gamma": "-1"},
            "--set r1_gamma=-1: Input should be greater than or equal to 0 or Input should be 'auto'.",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_named_in_one_sentence(changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        change(changes)
    assert str(caught.value) == sentence


def test_an_unknown_key_lists_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"^--set gamma: joint-stylegan2 has no such setting; it has .*r1_gamma.*\.$"):
        change({"gamma": "10"})


def test_unknown_preset_and_capacity() -> None:
    with pytest.raises(UserError, match=r"^joint-stylegan2 has no preset 'loyal': choose one of faithful, repaired\.$"):
        change({}, preset="loyal")
    with pytest.raises(UserError, match=r"^joint-stylegan2 has no capacity 'huge': choose one of full, small\.$"):
        change({}, capacity="huge")


def test_what_recipes_say_of_data() -> None:
    joint, unet = (find_recipe(name) for name in ("joint-stylegan2", "unet"))
    labelled = DataFacts(pairs=40, subjects=8, channels=1, labels=3)
    sentence = joint.suits(labelled)
    assert sentence is not None
    assert "every one of its 40 images has a label map" in sentence
    assert joint.suits(DataFacts(pairs=0, subjects=8, channels=1, labels=3, unlabelled=40)) is None
    assert joint.suits(DataFacts(pairs=40, subjects=8, channels=1, labels=3, unlabelled=41)) is None
    sentence = joint.suits(DataFacts(pairs=40, subjects=8, channels=1, labels=3, unlabelled=5))
    assert sentence is not None
    assert "the 5 without are left out" in sentence
    assert unet.suits(labelled) is None
