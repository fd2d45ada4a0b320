"""What the discriminator is shown: label maps of reals and fakes, mirroring, augmentation and its strength."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from segmint.recipes.contract import Batch
from segmint.recipes.joint_stylegan2 import JointStage

CHANNELS, LABELS, SIZE = 2, 3, 32
Build = Callable[..., JointStage]
Pairs = Callable[..., Batch]
Look = Callable[..., list[Tensor]]
Train = Callable[..., list[dict[str, Any]]]
Watch = Callable[..., Any]


# -- label maps ------------------------------------------------------------------------------------------------------


def maps_of(stage: JointStage, batch: Batch) -> Tensor:
    pairs = stage.real_pairs(batch)
    assert torch.equal(pairs[:, :CHANNELS], batch.images)
    return pairs[:, CHANNELS:]


def test_one_hot_reals(build: Build, random_batch: Pairs) -> None:
    batch = random_batch()
    maps = maps_of(build(), batch)
    for label in range(LABELS):
        assert torch.equal(maps[:, label], (batch.labels == label).float())
    scaled = maps_of(build(label_range="symmetric"), batch)
    assert torch.equal(scaled, maps * 2 - 1)
    assert set(scaled.unique().tolist()) == {-1.0, 1.0}


def test_smoothed_reals_are_blurred_and_sum_to_one(build: Build, random_batch: Pairs) -> None:
    from scipy.ndimage import gaussian_filter

    batch = random_batch()
    hard = maps_of(build(), batch)
    maps = maps_of(build(label_target="smoothed"), batch)
    assert torch.allclose(maps.sum(dim=1), torch.ones(4, SIZE, SIZE), atol=1e-6)
    assert maps.min() >= 0
    expected = gaussian_filter(hard.numpy(), (0, 0, 0.7, 0.7), mode="nearest", radius=2)
    assert torch.allclose(maps, torch.from_numpy(expected), atol=1e-5)
    symmetric = maps_of(build(label_target="smoothed", label_range="symmetric"), batch)
    assert torch.allclose(symmetric, maps * 2 - 1)
    assert torch.equal(maps_of(build(label_target="smoothed", label_smoothing="0"), batch), hard)


def test_smoothing_keeps_the_label_of_large_structures(build: Build) -> None:
    labels = torch.zeros(1, SIZE, SIZE, dtype=torch.int64)
    labels[:, 8:20, 10:24] = 2
    batch = Batch(torch.zeros(1, CHANNELS, SIZE, SIZE), labels)
    maps = maps_of(build("repaired"), batch)
    assert torch.equal(maps.argmax(dim=1), labels)
    assert maps[0, 2, 14, 16] == pytest.approx(1, abs=1e-5)
    assert -1 < maps[0, 2, 8, 16] < 1


@pytest.mark.parametrize("target", ["one-hot", "smoothed", "straight-through"])
@pytest.mark.parametrize("label_range", ["unit", "symmetric"])
def test_fake_maps(build: Build, target: str, label_range: str) -> None:
    stage = build(label_target=target, label_range=label_range)
    images, logits = torch.randn(2, CHANNELS, 8, 8), torch.randn(2, LABELS, 8, 8, requires_grad=True)
    pairs = stage.fake_pairs(images, logits)
    assert torch.equal(pairs[:, :CHANNELS], images)
    maps = pairs[:, CHANNELS:]
    soft = logits.softmax(dim=1)
    low, width = (-1, 2) if label_range == "symmetric" else (0, 1)
    if target == "straight-through":
        hard = F.one_hot(logits.argmax(dim=1), LABELS).movedim(-1, 1).float()
        assert torch.allclose(maps, hard * width + low, atol=1e-6)
    else:
        assert torch.allclose(maps, soft * width + low)
    # Whatever the forward value, the gradient is that of the softmax.
    weights = torch.randn(maps.shape)
    (ours,) = torch.autograd.grad((maps * weights).sum(), logits, retain_graph=True)
    (expected,) = torch.autograd.grad((soft * weights).sum() * width, logits)
    assert torch.allclose(ours, expected, atol=1e-6)
    assert ours.abs().max() > 1e-3


def test_straight_through_trains(build: Build, random_batch: Pairs, seen_by_discriminator: Look) -> None:
    stage = build("repaired", label_target="straight-through")
    before = stage.generator.synthesis.label_head.weight.detach().clone()
    seen = seen_by_discriminator(stage, random_batch())
    assert not torch.equal(stage.generator.synthesis.label_head.weight, before)
    assert torch.isfinite(torch.cat(seen)).all()


# -- mirroring -------------------------------------------------------------------------------------------------------


def flips(batch: Batch, pairs: Tensor) -> list[str]:
    """Which of the four flips of image and labels alike each sample of what the discriminator saw is."""
    maps = F.one_hot(batch.labels, LABELS).movedim(-1, 1).float()
    original = torch.cat([batch.images, maps], dim=1)
    axes: dict[str, tuple[int, ...]] = {"none": (), "h": (-1,), "v": (-2,), "hv": (-2, -1)}
    found = []
    for before, after in zip(original, pairs, strict=True):
        (name,) = [name for name, dims in axes.items() if torch.equal(before.flip(dims) if dims else before, after)]
        found.append(name)
    return found


@pytest.mark.parametrize(
    ("mirror", "expected"),
    [("none", {"none"}), ("h", {"none", "h"}), ("v", {"none", "v"}), ("hv", {"none", "h", "v", "hv"})],
)
def test_mirroring_turns_image_and_labels_alike(
    build: Build, random_batch: Pairs, seen_by_discriminator: Look, mirror: str, expected: set[str]
) -> None:
    stage, batch = build(mirror=mirror, r1_gamma="0", path_length_weight="0", batch=32), random_batch(32)
    reals = seen_by_discriminator(stage, batch)[2]
    found = flips(batch, reals)
    assert set(found) == expected
    for name in expected:
        assert found.count(name) / 32 == pytest.approx(1 / len(expected), abs=0.2)


# -- augmentation ----------------------------------------------------------------------------------------------------


def test_reals_and_fakes_are_augmented_alike_and_labels_keep_their_sum(
    build: Build, random_batch: Pairs, seen_by_discriminator: Look
) -> None:
    stage, batch = build("repaired"), random_batch()
    plain = stage.real_pairs(batch)
    stage.augmentation_strength.fill_(0.8)
    generator_view, beside, fakes, reals, penalised, penalised_fakes = seen_by_discriminator(stage, batch)
    assert not torch.allclose(reals, plain, atol=0.1)
    assert not torch.equal(penalised, reals), "R1 draws its own augmentation"
    assert not torch.equal(penalised_fakes, fakes), "so does R2"
    for pairs in (generator_view, beside, fakes, reals, penalised, penalised_fakes):
        # K maps in [-1, 1] that sum to one as probabilities sum to 2 - K.
        total = pairs[:, CHANNELS:].sum(dim=1)
        assert torch.allclose(total, torch.full_like(total, 2.0 - LABELS), atol=1e-4)


def confident(stage: JointStage, logit: float) -> JointStage:
    """A discriminator that gives every image this logit."""
    torch.nn.init.zeros_(stage.discriminator.logit.weight)
    torch.nn.init.constant_(stage.discriminator.logit.bias, logit)
    return stage


@pytest.mark.parametrize(("logit", "direction"), [(50.0, 1), (-50.0, -1)], ids=["overfitting", "underfitting"])
def test_ada_moves_every_four_steps_against_the_sign(
    build: Build, train: Train, watch: Watch, logit: float, direction: int
) -> None:
    """Four steps of four images are 16 images of the thousand that would carry the strength from 0 to 1."""
    stage = confident(
        build("repaired", adversarial_loss="logistic", ada_kimg="1", path_length_weight="0", r1_gamma="0"), logit
    )
    stage.augmentation_strength.fill_(0.2)
    update = watch(stage)
    train(stage, 3, update)
    assert float(stage.augmentation_strength) == pytest.approx(0.2)
    assert float(stage.sign_sum) == 3 * direction
    train(stage, 1, update)
    assert float(stage.augmentation_strength) == pytest.approx(0.2 + direction * 16 / 1000)
    assert float(stage.sign_sum) == 0


@pytest.mark.parametrize(("logit", "start", "limit"), [(-50.0, 0.001, 0.0), (50.0, 0.795, 0.8), (50.0, 0.8, 0.8)])
def test_ada_stays_within_its_range(
    build: Build, train: Train, watch: Watch, logit: float, start: float, limit: float
) -> None:
    stage = confident(
        build("repaired", adversarial_loss="logistic", ada_kimg="1", path_length_weight="0", r1_gamma="0"), logit
    )
    stage.augmentation_strength.fill_(start)
    stage.sign_sum.fill_(3 if logit > 0 else -3)
    stage.steps.fill_(3)
    train(stage, 1, watch(stage))
    assert float(stage.augmentation_strength) == pytest.approx(limit)


def test_ada_compares_the_mean_sign_with_its_target(build: Build, train: Train, watch: Watch) -> None:
    """Mean sign 0 lies below the target of 0.6 and above one of -0.5."""
    for target, direction in (("0.6", -1), ("-0.5", 1)):
        stage = confident(
            build(
                "repaired",
                adversarial_loss="logistic",
                ada_target=target,
                ada_kimg="1",
                path_length_weight="0",
                r1_gamma="0",
            ),
            0,
        )
        stage.augmentation_strength.fill_(0.5)
        stage.sign_sum.fill_(0.0)
        stage.steps.fill_(3)
        for parameter in stage.discriminator.parameters():
            parameter.data.zero_()
        train(stage, 1, watch(stage))
        assert float(stage.augmentation_strength) == pytest.approx(0.5 + direction * 16 / 1000)


def test_ada_of_the_relativistic_loss_compares_reals_with_fakes(build: Build, train: Train, watch: Watch) -> None:
    """A bias moves all logits alike, so it tells nothing of overfitting: the mean sign of the differences is 0 here."""
    stage = confident(
        build("repaired", adversarial_loss="relativistic", ada_kimg="1", path_length_weight="0", r1_gamma="0"), 50
    )
    for name, parameter in stage.discriminator.named_parameters():
        if "logit.bias" not in name:
            parameter.data.zero_()
    stage.augmentation_strength.fill_(0.5)
    stage.steps.fill_(3)
    train(stage, 1, watch(stage))
    assert float(stage.augmentation_strength) == pytest.approx(0.5 - 16 / 1000)


def test_without_ada_the_strength_stays_zero(build: Build, train: Train, watch: Watch) -> None:
    stage = confident(build(path_length_weight="0", r1_gamma="0"), 50)
    stage.sign_sum.fill_(3)
    stage.steps.fill_(3)
    train(stage, 1, watch(stage))
    assert float(stage.augmentation_strength) == 0
