"""The recipes that draw masks, and the one that predicts a condition map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from segmint.errors import UserError
from segmint.recipes import mask_stylegan2, mask_transfer, mask_vae, vessgan
from segmint.recipes.contract import Batch, MaskStage, Task
from segmint.recipes.mask_transfer import MaskTransferStage
from segmint.recipes.recipe import Recipe
from segmint.recipes.style_adversary import smoothing_kernel
from segmint.recipes.style_gan import StyleGANSettings
from segmint.recipes.vessgan import VessGANStage

SIZE, LABELS = 32, 3
RECIPES = [vessgan.RECIPE, mask_vae.RECIPE, mask_stylegan2.RECIPE]
TINY: dict[str, dict[str, Any]] = {
    "mask-stylegan2": {"latent_size": 8, "width_base": 128, "width_maximum": 8},
    "mask-vae": {"latent_size": 8, "width": 4},
    "vessgan": {"generator_widths": (8, 8, 8, 8), "discriminator_widths": (8, 8, 8, 8)},
}
Watch = Callable[..., Any]


def build(recipe: Recipe, preset: str, **changes: Any) -> MaskStage:
    base = recipe.presets[preset]
    settings = base.model_copy(update={**TINY[recipe.name], **changes})
    (stage,) = recipe.stages(Task(SIZE, 1, LABELS, 4, 1000, (2,)), settings)
    assert isinstance(stage, MaskStage)
    stage.build_optimizers()
    return stage


def batch(n: int = 4) -> Batch:
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(n, 1, SIZE, SIZE, generator=generator)
    labels = torch.randint(LABELS, (n, SIZE, SIZE), generator=generator)
    return Batch(images, labels, torch.randint(2, (n, 1, SIZE, SIZE), generator=generator))


@pytest.mark.parametrize("preset", ["faithful", "repaired"])
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_step_trains_both_networks(recipe: Recipe, preset: str, watch: Watch) -> None:
    stage = build(recipe, preset)
    before = {name: value.detach().clone() for name, value in stage.named_parameters()}
    update = watch(stage)
    logged = stage.step({"labelled": batch()}, update)
    for network in ("generator.", "discriminator."):
        assert any(
            not torch.equal(value, before[name]) for name, value in stage.named_parameters() if name.startswith(network)
        )
    assert update.untouched
    assert all(torch.isfinite(value) for losses in logged.values() for value in losses.values())


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_masks_are_ids_of_every_map_and_each_sample_its_own(recipe: Recipe) -> None:
    stage = build(recipe, "repaired").eval()
    drawn = stage.draw_masks([torch.Generator().manual_seed(seed) for seed in (1, 2, 3)])
    assert drawn.shape == (3, 2, SIZE, SIZE)
    assert drawn[:, 0].max() < LABELS
    assert drawn[:, 1].max() < 2
    assert torch.equal(stage.draw_masks([torch.Generator().manual_seed(2)]), drawn[1:2])


def test_images_do_not_matter_to_masks(watch: Watch) -> None:
    results = []
    for scale in (0.0, 1.0):
        torch.manual_seed(0)
        stage = build(mask_stylegan2.RECIPE, "repaired")
        pairs = batch()
        logged = stage.step({"labelled": Batch(pairs.images * scale, pairs.labels, pairs.conditions)}, watch(stage))
        results.append(float(logged["discriminator"]["adversarial"]))
    assert results[0] == results[1]


def test_vessgan_is_as_published(watch: Watch) -> None:
    published = vessgan.PUBLISHED
    assert len(published.generator_widths) == len(published.discriminator_widths) == 4
    assert published.discriminator_steps == 2
    assert published.adversarial == "bce"
    assert published.mode_seeking_weight == published.r1_gamma == published.average_images == 0
    assert published.norm == "none"
    assert published.dropout == 0.3
    assert not published.minibatch_deviation
    assert vessgan.RECIPE.batch["faithful"] == 1
    assert vessgan.RECIPE.epochs["faithful"] == 200
    stage = build(vessgan.RECIPE, "faithful")
    update = watch(stage)
    stage.step({"labelled": batch(1)}, update)
    assert [network for network, _ in update.losses] == ["discriminator", "discriminator", "generator"]


def test_vessgan_maps_lie_in_the_range_of_its_tanh() -> None:
    stage = build(vessgan.RECIPE, "faithful")
    assert isinstance(stage, VessGANStage)
    maps = stage.real_maps(batch().masks)
    assert maps.shape == (4, LABELS - 1 + 1, SIZE, SIZE)
    assert set(maps.unique().tolist()) == {-1.0, 1.0}
    labels = batch().labels
    assert torch.equal(maps[:, 1] > 0, labels == 2)


def test_repaired_vessgan_draws_from_its_average(watch: Watch) -> None:
    stage = build(vessgan.RECIPE, "repaired")
    assert isinstance(stage, VessGANStage)
    logged = stage.step({"labelled": batch()}, watch(stage))
    assert float(logged["discriminator"]["r1"]) > 0
    stage.eval()
    drawn = stage.draw_masks([torch.Generator().manual_seed(0)])
    with torch.no_grad():
        stage.generator.last.bias.add_(1e3)
    assert torch.equal(stage.draw_masks([torch.Generator().manual_seed(0)]), drawn)
    with torch.no_grad():
        stage.generator_average.last.bias.add_(1e3)
    assert not torch.equal(stage.draw_masks([torch.Generator().manual_seed(0)]), drawn)


def test_mirrored_masks_are_whole(watch: Watch) -> None:
    stage = build(vessgan.RECIPE, "repaired", mirror="hv")
    assert isinstance(stage, VessGANStage)
    maps = stage.real_maps(batch().masks)
    mirrored = stage._mirrored(maps, watch(stage))
    for before, after in zip(maps, mirrored, strict=True):
        assert any(torch.equal(before.flip(axes), after) for axes in ([], [-1], [-2], [-2, -1]))


def test_transfer_learns_to_predict_its_map() -> None:
    """The condition is a threshold of the image: a few steps suffice to do better than chance."""
    settings = mask_transfer.PUBLISHED.model_copy(update={"width": 8, "levels": 3, "noise": 0.1})
    (stage,) = mask_transfer.RECIPE.stages(Task(SIZE, 1, 2, 4, 160, (2,)), settings)
    assert isinstance(stage, MaskTransferStage)
    stage.build_optimizers()
    from segmint.training.loop import LoopUpdate
    from segmint.training.precision import Hardware

    update = LoopUpdate(stage, Hardware("cpu", "float32", 1, ""), torch.Generator().manual_seed(0), 160)
    generator = torch.Generator().manual_seed(0)
    for _ in range(40):
        images = torch.nn.functional.interpolate(torch.rand(4, 1, 8, 8, generator=generator) * 2 - 1, SIZE)
        labels = torch.zeros(4, SIZE, SIZE, dtype=torch.int64)
        stage.step({"labelled": Batch(images, labels, (images > 0).long())}, update)
    stage.eval()
    assert (stage.predict_condition(images, labels) == (images[:, 0] > 0)).float().mean() > 0.9


def test_transfer_takes_one_map() -> None:
    with pytest.raises(UserError, match="one condition map"):
        mask_transfer.RECIPE.stages(Task(SIZE, 1, 2, 4, 160, (2, 2)), mask_transfer.PUBLISHED)


def test_a_line_one_pixel_wide_keeps_its_height_in_the_repaired_masks() -> None:
    settings = mask_stylegan2.RECIPE.presets["repaired"]
    assert isinstance(settings, StyleGANSettings)
    assert smoothing_kernel(settings.label_smoothing).max() > 0.9
    assert settings.ada_kimg == 20
