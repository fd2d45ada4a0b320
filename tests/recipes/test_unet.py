from __future__ import annotations

import pytest
import torch

from segmint.errors import UserError
from segmint.recipes.contract import Batch, Task
from segmint.recipes.unet import RECIPE, UNetSettings, UNetStage
from segmint.training.loop import LoopUpdate
from segmint.training.precision import Hardware


def build(*, size: int = 16, channels: int = 1, labels: int = 3, capacity: str = "small", **changes: str) -> UNetStage:
    settings = RECIPE.settings(preset="repaired", capacity=capacity, changes={"levels": "4", **changes})
    shape = Task(size=size, image_channels=channels, label_count=labels, batch=2, total_images=100)
    (stage,) = RECIPE.stages(shape, settings)
    assert isinstance(stage, UNetStage)
    stage.build_optimizers()
    return stage


def update_for(stage: UNetStage, *, precision: str = "float32", total: int = 100) -> LoopUpdate:
    return LoopUpdate(stage, Hardware("cpu", precision, 1, ""), torch.Generator().manual_seed(0), total)


def pairs(n: int = 2, *, channels: int = 1, size: int = 16) -> Batch:
    """A frame and a square in it, bright by label, under noise."""
    labels = torch.zeros(n, size, size, dtype=torch.int64)
    for i in range(n):
        labels[i, 2 + i : 12 + i, 3:13] = 1
        labels[i, 5 + i : 9 + i, 5:10] = 2
    images = (labels[:, None] - 1.0).repeat(1, channels, 1, 1) * 0.6
    return Batch(images + 0.1 * torch.randn(images.shape), labels)


def test_settings_are_pinned() -> None:
    assert UNetSettings().model_dump() == {
        "width": 16,
        "width_maximum": 256,
        "levels": 5,
        "residual_units": 2,
        "learning_rate": 0.003,
        "decay_exponent": 0.9,
        "weight_decay": 1e-5,
        "average_share": 0.05,
        "augment": (),
        "copypaste_style": "carvemix",
        "copypaste_labels": (),
    }
    assert RECIPE.presets["faithful"] == RECIPE.presets["repaired"] == UNetSettings()
    assert RECIPE.gives == {"segmenter"}
    assert RECIPE.batch == {"faithful": 16, "repaired": 16}


def test_full_capacity_is_wider_and_deeper() -> None:
    small, full = (
        sum(p.numel() for p in build(capacity=capacity, size=32).network.parameters()) for capacity in ("small", "full")
    )
    assert full > 3 * small
    assert build(capacity="full", size=32, levels="5").network.channels == [32, 64, 128, 256, 512]
    assert build(width_maximum="24").network.channels == [16, 24, 24, 24]
    assert build(width_maximum="24", size=8).network.channels == [16, 24, 24], "fewer levels for small images"


@pytest.mark.parametrize(("images_shown", "share"), [(0, 1.0), (50, 0.5**0.9), (96, 0.04**0.9), (100, 0.0), (120, 0.0)])
def test_the_learning_rate_decays_polynomially(images_shown: int, share: float) -> None:
    stage = build()
    update = update_for(stage)
    update.images_shown = images_shown
    before = [p.detach().clone() for p in stage.network.parameters()]
    stage.step({"labelled": pairs()}, update)
    assert stage.optimizers["network"].param_groups[0]["lr"] == pytest.approx(0.003 * share)
    moved = max(float((p.detach() - b).abs().max()) for p, b in zip(stage.network.parameters(), before, strict=True))
    # Adam's first step is the rate (weight decay adds its thousandth part or less).
    assert moved == pytest.approx(0.003 * share, rel=0.01)


@pytest.mark.parametrize(("channels", "labels", "size"), [(1, 2, 16), (4, 5, 24)])
def test_probabilities_sum_to_one(channels: int, labels: int, size: int) -> None:
    stage = build(channels=channels, labels=labels, size=size)
    stage.train()
    probabilities = stage.probabilities(torch.randn(3, channels, size, size))
    assert probabilities.shape == (3, labels, size, size)
    assert probabilities.dtype == torch.float32
    assert not probabilities.requires_grad
    assert probabilities.min() >= 0
    assert torch.allclose(probabilities.sum(dim=1), torch.ones(3, size, size), atol=1e-5)
    assert stage.training, "the mode is as it was"
    stage.eval()
    stage.probabilities(torch.randn(1, channels, size, size))
    assert not stage.training


def test_predicts_with_averaged_weights() -> None:
    stage, batch = build(), pairs()
    before = stage.probabilities(batch.images)
    stage.step({"labelled": batch}, update_for(stage))
    assert torch.equal(stage.probabilities(batch.images), before), "the loop moves the average, not the step"
    assert [(stage.average_half_life(n)) for n in (0, 16, 1600)] == [0, 0.8, 80]
    assert build(average_share="0").average_half_life(1600) == 0


def test_a_prediction_does_not_depend_on_its_batch() -> None:
    stage, images = build(), torch.randn(3, 1, 16, 16)
    assert torch.allclose(stage.probabilities(images)[1:2], stage.probabilities(images[1:2]), atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_overfits_two_pairs(precision: str) -> None:
    stage, batch = build(width="8", learning_rate="0.02"), pairs()
    update = update_for(stage, precision=precision, total=80)
    losses = []
    for _ in range(40):
        losses.append(float(stage.step({"labelled": batch}, update)["network"]["dice_and_cross_entropy"]))
        update.images_shown += 2
    stage.network_average.load_state_dict(stage.network.state_dict())
    predicted = stage.probabilities(batch.images).argmax(dim=1)
    for label in (0, 1, 2):
        ours, truth = predicted == label, batch.labels == label
        assert 2 * (ours & truth).sum() / (ours.sum() + truth.sum()) > 0.95
    assert losses[-1] < 0.3 * losses[0]


def test_the_loss_is_dice_of_the_foreground_plus_cross_entropy() -> None:
    """Dice over the batch as a whole, so that slices without a label count in the sum alone."""
    stage, batch = build(), pairs()
    batch.labels[1][batch.labels[1] == 2] = 1
    with torch.no_grad():
        logits = stage.network(batch.images)
    probabilities = logits.softmax(dim=1)
    dice = []
    for label in (1, 2):
        p, t = probabilities[:, label], (batch.labels == label).float()
        dice.append(2 * (p * t).sum() / (p.sum() + t.sum()))
    entropy = -probabilities.gather(1, batch.labels[:, None]).log().mean()
    expected = 1 - torch.stack(dice).mean() + entropy
    logged = stage.step({"labelled": batch}, update_for(stage))["network"]["dice_and_cross_entropy"]
    assert float(logged) == pytest.approx(float(expected), rel=1e-4)
    assert not logged.requires_grad


@pytest.mark.parametrize(("size", "levels"), [(50, 4), (20, 4)])
def test_refuses_sizes_its_levels_do_not_divide(size: int, levels: int) -> None:
    with pytest.raises(
        UserError, match=rf"^unet with {levels} levels takes images whose side is a multiple of .* not {size}: "
    ):
        build(size=size, levels=str(levels))


@pytest.mark.parametrize(("size", "levels"), [(16, 4), (40, 4), (12, 2), (8, 4), (64, 8)])
def test_takes_every_size_its_levels_divide(size: int, levels: int) -> None:
    stage = build(size=size, levels=str(levels))
    assert stage.probabilities(torch.randn(1, 1, size, size)).shape == (1, 3, size, size)
    stage.step({"labelled": pairs(size=size)}, update_for(stage))


def test_features_are_those_of_the_lowest_level() -> None:
    stage = build()
    images = pairs().images
    features = stage.encode(images)
    assert features.shape == (2, stage.network.channels[-1])
    assert torch.allclose(stage.encode(images[:1]), features[:1], atol=1e-5)
    assert not torch.allclose(features[0], features[1])
    assert not any(module._forward_hooks for module in stage.modules())
