"""One training step of the joint generator, and the drawing of pairs, at the surface that the loop sees."""

from __future__ import annotations

import copy
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
Train = Callable[..., list[dict[str, Any]]]
Watch = Callable[..., Any]


# -- the step --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["faithful", "repaired"])
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_a_step_trains_every_parameter_of_both_networks(
    build: Build, train: Train, watch: Watch, preset: str, precision: str
) -> None:
    stage = build(preset)
    before = {name: p.detach().clone() for name, p in stage.named_parameters()}
    update = watch(stage, precision=precision)
    (logged,) = train(stage, 1, update)
    after = dict(stage.named_parameters())
    for name, value in before.items():
        assert torch.isfinite(after[name]).all(), name
        # Where only differences of logits count, nothing tells their common offset anything.
        offset = preset == "repaired" and name == "discriminator.logit.bias"
        assert offset or torch.equal(after[name], value) == name.startswith("generator_average"), name
    assert update.untouched, "an update of one network left the other alone"
    assert set(logged["generator"]) == {"adversarial"} | ({"path_length"} if preset == "faithful" else set())
    assert set(logged["discriminator"]) == {"adversarial", "real_logit", "fake_logit", "r1"} | (
        {"r2"} if preset == "repaired" else set()
    )
    values = [value for losses in logged.values() for value in losses.values()]
    assert all(value.ndim == 0 and not value.requires_grad and torch.isfinite(value) for value in values)
    assert all(parameter.requires_grad for parameter in stage.discriminator.parameters())


def test_regularisers_come_at_their_intervals_with_their_weights(build: Build, train: Train, watch: Watch) -> None:
    stage = build(r1_every="3", path_length_every="2", path_length_weight="2.5", r1_gamma="4")
    update = watch(stage)
    logged = train(stage, 6, update)
    assert ["path_length" in line["generator"] for line in logged] == [True, False] * 3
    assert ["r1" in line["discriminator"] for line in logged] == [True, False, False] * 2
    expected = []
    for line in logged:
        generator, discriminator = line["generator"], line["discriminator"]
        expected.append(("generator", float(generator["adversarial"])))
        if "path_length" in generator:
            expected.append(("generator", float(generator["path_length"]) * 2.5 * 2))
        expected.append(("discriminator", float(discriminator["adversarial"])))
        if "r1" in discriminator:
            expected.append(("discriminator", float(discriminator["r1"]) * 4 / 2 * 3))
    assert [name for name, _ in update.losses] == [name for name, _ in expected]
    assert [value for _, value in update.losses] == pytest.approx([value for _, value in expected])
    assert int(stage.steps) == 6


def test_the_learning_rates_fall_while_images_are_shown(build: Build, train: Train, watch: Watch) -> None:
    stage = build(learning_rate="0.002", learning_rate_kimg="10", r1_every="3", path_length_every="7")
    update = watch(stage)
    for images, factor in ((0, 1), (10_000, 1), (40_000, 0.5), (90_000, 1 / 3)):
        update.images_shown = images
        train(stage, 1, update)
        rates = {name: optimizer.param_groups[0]["lr"] for name, optimizer in stage.optimizers.items()}
        assert rates == pytest.approx({"generator": 0.002 * 7 / 8 * factor, "discriminator": 0.002 * 3 / 4 * factor})


def test_regularisers_can_be_left_out(build: Build, train: Train, watch: Watch) -> None:
    stage = build(r1_gamma="0", path_length_weight="0")
    update = watch(stage)
    (logged,) = train(stage, 1, update)
    assert [name for name, _ in update.losses] == ["generator", "discriminator"]
    assert "r1" not in logged["discriminator"]
    assert "path_length" not in logged["generator"]


def test_regularisers_run_in_float32_and_path_length_on_half_the_batch(
    build: Build, train: Train, watch: Watch
) -> None:
    stage = build()
    calls: list[tuple[str, int, bool]] = []

    def follow(name: str) -> None:
        getattr(stage, name).register_forward_pre_hook(
            lambda _, inputs: calls.append((name, len(inputs[0]), torch.is_autocast_enabled("cpu")))
        )

    follow("generator")
    follow("discriminator")
    train(stage, 1, watch(stage, precision="bf16"))
    assert calls == [
        ("generator", 4, True),
        ("discriminator", 4, True),
        ("generator", 2, False),
        ("generator", 4, True),
        ("discriminator", 4, True),
        ("discriminator", 4, True),
        ("discriminator", 4, False),
    ]


def test_the_mapping_is_never_rounded(build: Build, train: Train, watch: Watch) -> None:
    stage = build()
    kinds: set[torch.dtype] = set()
    stage.generator.mapping.register_forward_hook(lambda _module, _inputs, output: kinds.add(output.dtype))
    train(stage, 1, watch(stage, precision="bf16"))
    assert kinds == {torch.float32}


def test_logged_adversarial_losses_are_those_of_the_logits(build: Build, train: Train, watch: Watch) -> None:
    stage = build(r1_gamma="0", path_length_weight="0")
    logits: list[Tensor] = []
    stage.discriminator.register_forward_hook(lambda _module, _inputs, output: logits.append(output.detach()))
    (logged,) = train(stage, 1, watch(stage))
    generator_view, fake, real = logits
    assert torch.allclose(logged["generator"]["adversarial"], -F.logsigmoid(generator_view).mean())
    expected = -F.logsigmoid(real).mean() - F.logsigmoid(-fake).mean()
    assert torch.allclose(logged["discriminator"]["adversarial"], expected)
    assert torch.allclose(logged["discriminator"]["real_logit"], real.mean())
    assert torch.allclose(logged["discriminator"]["fake_logit"], fake.mean())


def test_the_relativistic_loss_pairs_each_fake_with_a_real(build: Build, train: Train, watch: Watch) -> None:
    stage = build(r1_gamma="0", path_length_weight="0", adversarial_loss="relativistic")
    logits: list[Tensor] = []
    stage.discriminator.register_forward_hook(lambda _module, _inputs, output: logits.append(output.detach()))
    (logged,) = train(stage, 1, watch(stage))
    generator_fake, generator_real, fake, real = logits
    assert torch.allclose(logged["generator"]["adversarial"], -F.logsigmoid(generator_fake - generator_real).mean())
    assert torch.allclose(logged["discriminator"]["adversarial"], -F.logsigmoid(real - fake).mean())


def test_the_penalty_can_be_taken_at_fakes_too(build: Build, train: Train, watch: Watch) -> None:
    stage = build(r1_every="2", r1_gamma="4", path_length_weight="0", penalise_fakes="true")
    update = watch(stage)
    first, second = (line["discriminator"] for line in train(stage, 2, update))
    assert "r2" not in second
    assert [value for _, value in update.losses[2:4]] == pytest.approx(
        [float(first[term]) * 4 / 2 * 2 for term in ("r1", "r2")]
    )
    assert update.untouched


def test_means_of_style_and_path_length_are_tracked(build: Build, train: Train, watch: Watch) -> None:
    stage = build()
    styles: list[Tensor] = []
    stage.generator.mapping.register_forward_hook(lambda _module, _inputs, output: styles.append(output.detach()))
    lengths = float(stage.path_mean)
    train(stage, 1, watch(stage))
    assert lengths == 0
    assert float(stage.path_mean) > 0
    # What is tracked is the first half of the step's first pass; the second half is what styles are mixed with.
    tracked = styles[0][: len(styles[0]) // 2]
    assert torch.allclose(stage.generator.mapping.mean_latent, 0.005 * tracked.mean(dim=0), atol=1e-7)
    before = stage.path_mean.clone()
    train(stage, 1, watch(stage))
    assert torch.equal(stage.path_mean, before), "only where the regulariser runs"


@pytest.mark.parametrize("preset", ["faithful", "repaired"])
def test_steps_are_a_function_of_state_and_generator(build: Build, train: Train, watch: Watch, preset: str) -> None:
    stage = build(preset)
    twin = copy.deepcopy(stage)
    twin.build_optimizers()
    train(stage, 2, watch(stage, seed=5))
    train(twin, 2, watch(twin, seed=5))
    ours, theirs = stage.state_dict(), twin.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    train(twin, 1, watch(twin, seed=6))
    train(stage, 1, watch(stage, seed=7))
    assert not torch.equal(stage.generator.synthesis.constant, twin.generator.synthesis.constant)


def test_a_discriminator_learns_to_tell_fakes_from_reals(build: Build, train: Train, watch: Watch) -> None:
    stage = build("repaired", learning_rate="0.01", path_length_weight="0", augmentation="none")
    flat = Batch(torch.full((4, CHANNELS, SIZE, SIZE), 0.8), torch.zeros(4, SIZE, SIZE, dtype=torch.int64))
    logged = train(stage, 8, watch(stage), flat)
    gaps = [float(line["discriminator"]["real_logit"] - line["discriminator"]["fake_logit"]) for line in logged]
    assert gaps[-1] > gaps[0] + 0.3


# -- style mixing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("probability", [0.0, 0.9, 1.0])
def test_styles_are_mixed_at_random_layers(build: Build, watch: Watch, probability: float) -> None:
    n = 600
    stage = build(style_mixing=str(probability), batch=n)
    with torch.no_grad():
        styles = stage._training_styles(n, watch(stage), track=False)
    changes = (styles[:, 1:] != styles[:, :-1]).any(dim=2)
    assert (changes.sum(dim=1) <= 1).all(), "one cutoff a sample"
    mixed = changes.any(dim=1)
    assert float(mixed.float().mean()) == pytest.approx(probability, abs=0.05)
    if probability == 1:
        # Every place from after the first layer to before the last is as likely.
        shares = changes.float().mean(dim=0)
        assert torch.allclose(shares, torch.full_like(shares, 1 / 7), atol=0.06)


# -- drawing ---------------------------------------------------------------------------------------------------------


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def noisy(stage: JointStage) -> JointStage:
    """Give the average's noise inputs strength, so that they count."""
    for name, parameter in stage.generator_average.named_parameters():
        if name.endswith("noise_strength"):
            parameter.data.fill_(0.2)
    return stage


def test_drawn_pairs_are_images_and_probabilities(build: Build) -> None:
    stage = noisy(build())
    stage.generator_average.synthesis.blocks[-1].to_output.bias.data.fill_(0.9)
    images, probabilities = stage.draw(generators(1, 2, 3))
    assert images.shape == (3, CHANNELS, SIZE, SIZE)
    assert probabilities.shape == (3, LABELS, SIZE, SIZE)
    assert images.dtype == probabilities.dtype == torch.float32
    assert not images.requires_grad
    assert not probabilities.requires_grad
    assert images.min() >= -1
    assert images.max() == 1
    assert probabilities.min() >= 0
    assert torch.allclose(probabilities.sum(dim=1), torch.ones(3, SIZE, SIZE), atol=1e-6)


def test_a_pair_depends_on_its_own_generator_alone(build: Build) -> None:
    stage = noisy(build())
    images, probabilities = stage.draw(generators(1, 2, 3))
    again, _ = stage.draw(generators(1, 2, 3))
    assert torch.equal(images, again)
    others, other_probabilities = stage.draw(generators(9, 2))
    assert torch.allclose(images[1], others[1], atol=1e-5)
    assert torch.allclose(probabilities[1], other_probabilities[1], atol=1e-5)
    assert not torch.allclose(images[0], others[0], atol=1e-2)


def test_draws_come_from_the_average(build: Build) -> None:
    stage = build()
    before, _ = stage.draw(generators(1))
    for parameter in stage.generator.parameters():
        parameter.data.normal_()
    assert torch.equal(stage.draw(generators(1))[0], before)
    stage.generator_average.synthesis.constant.data.normal_()
    assert not torch.equal(stage.draw(generators(1))[0], before)


def test_truncation_brings_pairs_together(build: Build) -> None:
    stage = build()
    stage.generator_average.mapping.mean_latent.normal_()

    def spread(truncation: float) -> float:
        images, _ = stage.draw(generators(*range(6)), truncation=truncation)
        return float(images.std(dim=0).mean())

    assert spread(0) == pytest.approx(0, abs=1e-6)
    assert 0 < spread(0.3) < spread(0.7) < spread(1)
    noisy(stage)
    assert spread(0) > 1e-3, "noise is left"
