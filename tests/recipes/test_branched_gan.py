"""Generator with a mask branch, and its two discriminators: who is told what by whom."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from segmint.recipes.branched_gan import BranchedStage, patch_strides
from segmint.recipes.contract import Batch, Task
from segmint.recipes.semanticgan import RECIPE
from segmint.training.checkpoint import capture, restore
from segmint.training.loop import LoopUpdate
from segmint.training.precision import Hardware

SIZE, CHANNELS, LABELS = 32, 2, 3
TINY = {"latent_size": "8", "width_base": "128", "width_maximum": "8", "mask_width": "0.1"}


def build(preset: str = "repaired", **changes: str) -> BranchedStage:
    settings = RECIPE.settings(preset=preset, capacity="full", changes={**TINY, **changes})
    stage = RECIPE.stages(Task(SIZE, CHANNELS, LABELS, 4, 1000), settings)[0]
    assert isinstance(stage, BranchedStage)
    stage.build_optimizers()
    return stage


def update_of(stage: BranchedStage, *, precision: str = "float32") -> LoopUpdate:
    return LoopUpdate(stage, Hardware("cpu", precision, 1, ""), torch.Generator().manual_seed(0), 1000)


def batches(seed: int = 0) -> dict[str, Batch]:
    g = torch.Generator().manual_seed(seed)
    images = torch.rand(2, 4, CHANNELS, SIZE, SIZE, generator=g) * 2 - 1
    labels = torch.randint(LABELS, (4, SIZE, SIZE), generator=g)
    return {"unlabelled": Batch(images[0], torch.zeros_like(labels)), "labelled": Batch(images[1], labels)}


def gradients(stage: BranchedStage) -> dict[str, Tensor]:
    """Of every parameter of the generator; one that has none counts as zero."""
    return {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in stage.generator.named_parameters()}


def test_all_three_learning_rates_fall_alike() -> None:
    stage = build(learning_rate_kimg="10")
    update, first = update_of(stage), {n: o.param_groups[0]["lr"] for n, o in stage.optimizers.items()}
    update.images_shown = 40_000
    stage.step(batches(), update)
    assert {n: o.param_groups[0]["lr"] for n, o in stage.optimizers.items()} == {n: r / 2 for n, r in first.items()}
    assert set(first) == {"generator", "discriminator", "mask_discriminator"}


@pytest.mark.parametrize("mask_gradient", ["trunk", "branch"])
@pytest.mark.parametrize("augmentation", ["none", "ada"])
def test_the_discriminator_of_pairs_gives_the_image_branch_no_gradient(mask_gradient: str, augmentation: str) -> None:
    """Exactly zero at the image and in the to-image layers; where the trunk is cut off too, in all that draws images."""
    stage = build(mask_gradient=mask_gradient, augmentation=augmentation)
    stage.mask_augmentation_strength.fill_(0.5)
    update, (reals, labelled) = update_of(stage), batches().values()
    assert not reals.labels.any()
    images, logits, _ = stage._generated(4, update)
    images.retain_grad()
    losses = stage.mask_losses(stage.real_pairs(labelled), images, logits, update)
    (losses["mask_adversarial"] + losses["feature_matching"]).backward()
    assert images.grad is None
    found = gradients(stage)
    to_image = [name for name in found if name.startswith("synthesis") and "to_output" in name]
    assert len(to_image) == 4 * (SIZE.bit_length() - 2)
    for name in to_image:
        assert torch.count_nonzero(found[name]) == 0, name
    drawing = [name for name in found if not name.startswith("mask_branch") and name not in to_image]
    told = {name for name in drawing if torch.count_nonzero(found[name])}
    assert told == (set(drawing) if mask_gradient == "trunk" else set())
    assert all((found[name] != 0).any() for name in found if name.startswith("mask_branch"))


def test_the_discriminator_of_images_sees_no_masks_and_tells_them_nothing() -> None:
    stage = build()
    assert stage.discriminator.from_input.weight.shape[1] == CHANNELS
    assert stage.mask_discriminator.discriminators[0].blocks[0].convolution.in_channels == CHANNELS + LABELS
    images, _, _ = stage._generated(4, update_of(stage))
    stage.discriminator(images).sum().backward()
    assert not any((value != 0).any() for name, value in gradients(stage).items() if name.startswith("mask_branch"))


@pytest.mark.parametrize("preset", ["faithful", "repaired"])
def test_a_step_trains_every_network_and_logs_its_losses(preset: str) -> None:
    stage = build(preset)
    before = {name: p.detach().clone() for name, p in stage.named_parameters()}
    logged = stage.step(batches(), update_of(stage, precision="bf16"))
    changed = {name for name, p in stage.named_parameters() if not torch.equal(p, before[name])}
    for network in ("generator.synthesis", "generator.mapping", "generator.mask_branch", "discriminator", "mask_disc"):
        assert any(name.startswith(network) for name in changed), network
    assert not any(name.startswith("generator_average") for name in changed)
    assert set(logged) == {"generator", "discriminator", "mask_discriminator"}
    assert {"adversarial", "mask_adversarial", "feature_matching"} <= set(logged["generator"])
    assert set(logged["mask_discriminator"]) == {"adversarial", "real_logit", "fake_logit", "r1"}
    values = [value for losses in logged.values() for value in losses.values()]
    assert all(value.ndim == 0 and not value.requires_grad and torch.isfinite(value) for value in values)
    assert all(p.requires_grad for p in stage.discriminator.parameters())
    assert all(p.requires_grad for p in stage.mask_discriminator.parameters())


def test_labels_come_from_the_labelled_stream_alone() -> None:
    """The label maps of the stream without labels, were there any, change nothing."""
    stage = build(r1_gamma="0")
    other = copy.deepcopy(stage)
    other.build_optimizers()
    given = batches()
    stage.step(given, update_of(stage))
    hidden = Batch(given["unlabelled"].images, torch.full_like(given["unlabelled"].labels, 1))
    other.step({**given, "unlabelled": hidden}, update_of(other))
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(stage.parameters(), other.parameters(), strict=True))


def test_each_discriminator_has_an_augmentation_of_its_own() -> None:
    stage = build(r1_gamma="0", ada_kimg="1")
    stage.steps.fill_(3)
    stage.sign_sum.fill_(4)
    stage.mask_sign_sum.fill_(-4)
    stage.mask_augmentation_strength.fill_(0.5)
    stage.step(batches(), update_of(stage))
    assert float(stage.augmentation_strength) == pytest.approx(4 * 4 / 1000)
    assert float(stage.mask_augmentation_strength) == pytest.approx(0.5 - 4 * 4 / 1000)


def test_features_are_matched_by_their_means_where_pairs_are_not_the_same() -> None:
    features = [torch.tensor([1.0, 3.0]).view(2, 1, 1, 1)]
    assert build("faithful")._matched(features) is features
    (mean,) = build(matched_features="mean")._matched(features)
    assert mean.tolist() == [[[2]]]


@pytest.mark.parametrize(("size", "strides"), [(32, (2, 1)), (64, (2, 2, 1)), (128, (2, 2, 2, 1)), (256, (2, 2, 2, 1))])
def test_small_images_are_judged_with_fewer_halvings(size: int, strides: tuple[int, ...]) -> None:
    assert patch_strides(size, 3) == strides


def test_too_many_scales_are_refused() -> None:
    with pytest.raises(ValueError, match="32 pixels are too few for 5 scales"):
        patch_strides(32, 5)


def test_pairs_are_drawn_each_from_its_own_numbers() -> None:
    stage = build().eval()
    generators = [torch.Generator().manual_seed(i) for i in range(3)]
    images, probabilities = stage.draw(generators)
    assert (images.shape, probabilities.shape) == ((3, CHANNELS, SIZE, SIZE), (3, LABELS, SIZE, SIZE))
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(3, SIZE, SIZE))
    alone = stage.draw([torch.Generator().manual_seed(1)])
    torch.testing.assert_close(alone[0], images[1:2], rtol=1e-4, atol=1e-5)


def test_a_restart_in_the_middle_changes_nothing() -> None:
    stage = build()
    fresh: Any = copy.deepcopy(stage)
    fresh.build_optimizers()
    update = update_of(stage)
    for step in range(6):
        if step == 3:
            saved = capture(stage, update.generator)
        stage.step(batches(step), update)
    again = update_of(fresh)
    restore(fresh, saved, again.generator)
    for step in range(3, 6):
        fresh.step(batches(step), again)
    mine, theirs = stage.state_dict(), fresh.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
