"""The recipes that paint masks: what is published, and what one step does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from segmint.errors import UserError
from segmint.losses.adversarial_patch import discriminator_adversarial
from segmint.recipes import em_pix2pix, stroke_pix2pix, vess2image
from segmint.recipes.contract import Batch, Task
from segmint.recipes.mask_channels import one_hot_masks
from segmint.recipes.recipe import Recipe
from segmint.recipes.translator import PaintingStage
from segmint.training.build import build_stages
from segmint.training.checkpoint import capture, restore
from segmint.training.loop import LoopUpdate
from segmint.training.precision import Hardware

SIZE, CHANNELS, LABELS = 32, 1, 3
RECIPES = [vess2image.RECIPE, em_pix2pix.RECIPE, stroke_pix2pix.RECIPE]
# The repaired stroke-pix2pix paints otherwise: test_style_painter.py.
CHOICES = [
    (recipe, preset) for recipe in RECIPES for preset in recipe.presets if (recipe, preset) != (RECIPES[2], "repaired")
]
every_choice = pytest.mark.parametrize(("recipe", "preset"), CHOICES, ids=lambda value: getattr(value, "name", value))
Watch = Callable[..., Any]


def build(recipe: Recipe, preset: str, *, conditions: tuple[int, ...] = (2,), **changes: str) -> PaintingStage:
    changes = {"width": "0.05", **changes}
    if recipe is em_pix2pix.RECIPE:
        changes.setdefault("discriminators", "1")
    settings = recipe.settings(preset=preset, capacity="full", changes=changes)
    (stage,) = recipe.stages(Task(SIZE, CHANNELS, LABELS, 4, 1000, conditions), settings)
    assert isinstance(stage, PaintingStage)
    stage.build_optimizers()
    return stage


def batch(n: int = 4, conditions: int = 1) -> Batch:
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(n, CHANNELS, SIZE, SIZE, generator=generator) * 2 - 1
    labels = torch.randint(LABELS, (n, SIZE, SIZE), generator=generator)
    maps = torch.randint(2, (n, conditions, SIZE, SIZE), generator=generator) if conditions else None
    return Batch(images, labels, maps)


@every_choice
def test_a_step_trains_both_networks_and_leaves_the_other_alone(recipe: Recipe, preset: str, watch: Watch) -> None:
    stage = build(recipe, preset)
    before = {name: value.detach().clone() for name, value in stage.named_parameters()}
    update = watch(stage)
    logged = stage.step({"labelled": batch()}, update)
    changed = {name for name, value in stage.named_parameters() if not torch.equal(value, before[name])}
    # Attention starts switched off, and a bias before a normalisation has no gradient.
    for name in set(before) - changed:
        assert name.startswith("generator_average") or "attention" in name or name.endswith("bias"), name
    assert update.untouched
    expected = [*(["reader"] if preset == "repaired" else []), "discriminator", "generator"]
    assert [network for network, _ in update.losses] == expected
    assert set(logged) == set(expected)
    assert all(torch.isfinite(value) for losses in logged.values() for value in losses.values())


def test_the_generator_is_told_what_is_read_in_its_images(watch: Watch) -> None:
    """The reader learns from real pairs alone; the generator pays for what it does not read in the fakes."""
    stage = build(vess2image.RECIPE, "repaired", reading_weight="2.5")
    reader: Any = stage.reader
    update = watch(stage)
    logged = stage.step({"labelled": batch(conditions=1)}, update)
    terms, settings = logged["generator"], stage.settings
    total = (
        terms["adversarial"]
        + settings.l1_weight * terms["l1"]
        + settings.feature_matching_weight * terms["feature_matching"]
        + 2.5 * terms["reading"]
    )
    assert dict(update.losses)["generator"] == pytest.approx(float(total), rel=1e-4)
    before = [value.detach().clone() for value in reader.parameters()]
    stage._generator_turn(
        one_hot_masks(batch().masks, stage.task.mask_counts), batch(), batch().images.requires_grad_(), update
    )
    assert all(torch.equal(old, new) for old, new in zip(before, reader.parameters(), strict=True))
    assert all(parameter.requires_grad for parameter in reader.parameters())


@pytest.mark.parametrize("preset", ["faithful", "repaired"])
def test_a_restored_stage_goes_on_exactly(preset: str) -> None:
    hardware = Hardware("cpu", "float32", 1, "")
    task = Task(SIZE, CHANNELS, LABELS, 4, 1000)
    settings = vess2image.RECIPE.settings(preset=preset, capacity="full", changes={"width": "0.05"})

    def start(seed: int) -> tuple[PaintingStage, LoopUpdate]:
        (stage,) = build_stages(vess2image.RECIPE, task, settings, hardware, seed=seed)
        assert isinstance(stage, PaintingStage)
        return stage.train(), LoopUpdate(stage, hardware, torch.Generator().manual_seed(seed), 1000)

    def go_on(stage: PaintingStage, update: LoopUpdate) -> None:
        for _ in range(2):
            stage.step({"labelled": batch(conditions=0)}, update)

    (whole, update), (resumed, later) = start(0), start(1)
    go_on(whole, update)
    restore(resumed, capture(whole, update.generator), later.generator)
    go_on(whole, update)
    go_on(resumed, later)
    for mine, theirs in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert mine.stride() == theirs.stride()
        assert torch.equal(mine, theirs)


def test_the_generator_can_go_first(watch: Watch) -> None:
    stage = build(vess2image.RECIPE, "faithful", first="generator")
    update = watch(stage)
    stage.step({"labelled": batch()}, update)
    assert [network for network, _ in update.losses] == ["generator", "discriminator"]


def test_losses_have_their_published_weights(watch: Watch) -> None:
    """vess2image: BCE + 160 L1 for the generator, half the BCE for the discriminator."""
    stage = build(vess2image.RECIPE, "faithful")
    update = watch(stage)
    logged = stage.step({"labelled": batch()}, update)
    losses = dict(update.losses)
    generator, discriminator = logged["generator"], logged["discriminator"]
    assert losses["generator"] == pytest.approx(float(generator["adversarial"] + 160 * generator["l1"]), rel=1e-5)
    assert losses["discriminator"] == pytest.approx(float(0.5 * discriminator["adversarial"]), rel=1e-5)


def test_the_critic_maximises_the_distance_that_the_generator_minimises(watch: Watch) -> None:
    stage = build(stroke_pix2pix.RECIPE, "faithful", multi_scale_l1_weight="3")
    update = watch(stage)
    logged = stage.step({"labelled": batch()}, update)
    critic = logged["discriminator"]
    expected = 0.5 * critic["adversarial"] - 3 * critic["multi_scale_l1"]
    assert dict(update.losses)["discriminator"] == pytest.approx(float(expected), rel=1e-4, abs=1e-6)
    assert critic["multi_scale_l1"] > 0


def test_published_settings() -> None:
    published = vess2image.PUBLISHED
    assert (published.norm, published.l1_weight, published.adversarial) == ("batch", 160.0, "bce")
    assert published.first == "discriminator"
    assert published.discriminator_strides == (2, 2, 2, 2)
    assert vess2image.RECIPE.epochs == {"faithful": 30.0}
    assert vess2image.RECIPE.batch["faithful"] == 1
    published = em_pix2pix.PUBLISHED
    assert (published.norm, published.discriminators, published.dropout) == ("instance", 3, 0.5)
    assert em_pix2pix.RECIPE.conditions == "all"
    published = stroke_pix2pix.PUBLISHED
    assert published.spectral
    assert published.discriminator_spectral
    assert published.attention_fractions
    assert published.multi_scale_l1_weight > 0
    assert stroke_pix2pix.RECIPE.conditions == ("foreground",)


def widths(network: Any) -> list[int]:
    """Feature maps that each of its convolutions puts out."""
    return [
        one.out_channels for one in network.modules() if isinstance(one, torch.nn.Conv2d | torch.nn.ConvTranspose2d)
    ]


def test_published_widths_at_256_pixels() -> None:
    settings = vess2image.PUBLISHED
    (stage,) = vess2image.RECIPE.stages(Task(256, 3, 2, 1, 10), settings)
    assert isinstance(stage, PaintingStage)
    generator: Any = stage.generator
    assert len(generator.encoder) == 8
    assert len(generator.decoder) == 7
    assert generator.decoder_inputs == (512, 1024, 1024, 1024, 1024, 512, 256, 128)
    assert widths(generator.encoder) == [64, 128, 256, 512, 512, 512, 512, 512]
    assert widths(stage.discriminator) == [64, 128, 256, 512, 1]
    (stage,) = em_pix2pix.RECIPE.stages(Task(256, 1, 2, 1, 10, (2,)), em_pix2pix.PUBLISHED)
    assert isinstance(stage, PaintingStage)
    generator = stage.generator
    assert widths(generator.encoder) == [64, 128, 256, 512, 512, 512, 512, 512]
    assert generator.decoder_inputs == (512, 1024, 1024, 1024, 1024, 512, 256, 128)
    assert widths(stage.discriminator) == [64, 128, 256, 512, 1] * 3
    scales: Any = stage.discriminator.discriminators
    assert [d.receptive_field for d in scales] == [70, 70, 70]


@every_choice
def test_an_image_depends_on_its_masks_and_its_generator_alone(recipe: Recipe, preset: str) -> None:
    stage = build(recipe, preset).eval()
    masks = batch(3).masks

    def generators(*seeds: int) -> list[torch.Generator]:
        return [torch.Generator().manual_seed(seed) for seed in seeds]

    painted = stage.paint(masks, generators(1, 2, 3))
    assert painted.shape == (3, CHANNELS, SIZE, SIZE)
    assert painted.abs().max() <= 1
    alone = stage.paint(masks[1:2], generators(2))
    assert torch.allclose(painted[1:2], alone, atol=1e-5)
    assert not torch.allclose(stage.paint(masks[:1].flip(-1), generators(1)), painted[:1], atol=1e-5)


def test_paints_larger_images_of_any_sides() -> None:
    stage = build(em_pix2pix.RECIPE, "faithful").eval()
    masks = torch.zeros(1, 2, 75, 90, dtype=torch.int64)
    assert stage.paint(masks, [torch.Generator().manual_seed(0)]).shape == (1, CHANNELS, 75, 90)


def test_refuses_sizes_that_do_not_halve() -> None:
    with pytest.raises(UserError, match="--size 36"):
        vess2image.RECIPE.stages(Task(36, 1, 2, 1, 10), vess2image.PUBLISHED)


def test_every_map_becomes_its_own_one_hot_channels() -> None:
    masks = torch.tensor([[[[0, 2]], [[1, 0]]]])
    channels = one_hot_masks(masks, (3, 2))
    assert channels.tolist() == [[[[1, 0]], [[0, 0]], [[0, 1]], [[0, 1]], [[1, 0]]]]


def test_halving_the_discriminators_loss_is_the_papers() -> None:
    """[Isola 2017, section 3.3] divides the objective by 2 while optimising D."""
    logits = torch.zeros(2, 1, 4, 4)
    assert 0.5 * discriminator_adversarial("bce", logits, logits) == pytest.approx(0.6931, abs=1e-4)
