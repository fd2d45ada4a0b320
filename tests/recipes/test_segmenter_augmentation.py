"""What a segmenter's batches go through: every kind, alone and together, and the settings that do not fit."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from segmint.errors import UserError
from segmint.recipes import find_recipe
from segmint.recipes.contract import Task
from segmint.recipes.segmenter_augmentation import AugmentedSettings, augmented, check_augmentation

KINDS = ("flips", "elastic", "strong", "cutmix", "copypaste")
TASK = Task(size=32, image_channels=2, label_count=3, batch=4, total_images=8)


def pairs() -> tuple[Tensor, Tensor]:
    labels = torch.zeros(6, 32, 32, dtype=torch.int64)
    labels[:, 6:26, 6:26] = 1
    labels[::2, 10:15, 10:15] = 2
    images = (labels[:, None] - 1.0).repeat(1, 2, 1, 1) * 0.6 + torch.arange(6)[:, None, None, None] * 0.05
    return images, labels


def change(kinds: tuple[str, ...], *, seed: int = 0) -> tuple[Tensor, Tensor]:
    settings = AugmentedSettings.model_validate({"augment": kinds})
    return augmented(*pairs(), settings, generator=torch.Generator().manual_seed(seed))


def test_nothing_asked_for_changes_nothing_and_draws_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    images, labels = augmented(*pairs(), AugmentedSettings(), generator=generator)
    assert torch.equal(images, pairs()[0])
    assert torch.equal(labels, pairs()[1])
    assert torch.equal(generator.get_state(), torch.Generator().manual_seed(0).get_state())


@pytest.mark.parametrize("kinds", [*((one,) for one in KINDS), *itertools.combinations(KINDS, 2), KINDS])
def test_every_kind_and_combination_changes_images_and_ids_and_repeats(kinds: tuple[str, ...]) -> None:
    images, labels = change(kinds)
    assert not torch.equal(images, pairs()[0])
    assert not torch.equal(labels, pairs()[1])
    assert set(labels.unique().tolist()) <= {0, 1, 2}
    assert images.abs().max() <= 1
    again = change(kinds)
    assert torch.equal(images, again[0])
    assert torch.equal(labels, again[1])


def test_the_order_of_kinds_does_not_matter() -> None:
    first, turned = change(("cutmix", "strong")), change(("strong", "cutmix"))
    assert torch.equal(first[0], turned[0])


@pytest.mark.parametrize("recipe", ["unet", "segan"])
def test_segmenters_take_the_kinds_and_refuse_what_does_not_fit(recipe: str) -> None:
    found = find_recipe(recipe)

    def settings(**changes: str) -> AugmentedSettings:
        made = found.settings(preset="repaired", capacity="small", changes=changes)
        assert isinstance(made, AugmentedSettings)
        return made

    chosen = settings(augment="cutmix,copypaste", copypaste_labels="2", copypaste_style="tumorcp")
    assert (chosen.augment, chosen.copypaste_labels) == (("cutmix", "copypaste"), (2,))
    check_augmentation(TASK, chosen)
    with pytest.raises(UserError, match="augment"):
        settings(augment="mixup")
    with pytest.raises(UserError, match="there is no label 3"):
        found.stages(TASK, settings(augment="copypaste", copypaste_labels="2,3"))
    with pytest.raises(UserError, match="--set copypaste_labels: this is for --augment copypaste"):
        found.stages(TASK, settings(augment="cutmix", copypaste_labels="2"))
    with pytest.raises(UserError, match="copypaste_style"):
        settings(augment="copypaste", copypaste_style="mixup")
