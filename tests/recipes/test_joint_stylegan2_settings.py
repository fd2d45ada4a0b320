"""The published settings and what the repaired preset changes: pinned, since results are reported under these names."""

from __future__ import annotations

import pytest

from segmint.errors import UserError
from segmint.recipes.contract import Task
from segmint.recipes.joint_stylegan2 import FAITHFUL, RECIPE, REPAIRED, JointStage
from segmint.recipes.style_gan import StyleGANSettings


def task(*, size: int = 256, batch: int = 32) -> Task:
    return Task(size=size, image_channels=4, label_count=4, batch=batch, total_images=1000)


def tiny(preset: str = "faithful", *, size: int = 32, batch: int = 4, **changes: str) -> JointStage:
    changes = {"latent_size": "8", "width_base": "128", "width_maximum": "8", **changes}
    settings = RECIPE.settings(preset=preset, capacity="full", changes=changes)
    (stage,) = RECIPE.stages(task(size=size, batch=batch), settings)
    assert isinstance(stage, JointStage)
    return stage


def test_the_faithful_preset_is_as_published() -> None:
    assert FAITHFUL.model_dump() == {
        "latent_size": 512,
        "width_base": 32768,
        "width_maximum": 512,
        "width_minimum": 0,
        "learning_rate": 0.002,
        "learning_rate_kimg": "none",
        "adversarial_loss": "logistic",
        "penalise_fakes": False,
        "r1_gamma": 10.0,
        "r1_least": 0.0,
        "r1_every": 16,
        "path_length_weight": 2.0,
        "path_length_every": 4,
        "path_length_shrink": 2,
        "style_mixing": 0.9,
        "average_kimg": 10.0,
        "average_ramp": "none",
        "mirror": "h",
        "augmentation": "none",
        "ada_target": 0.6,
        "ada_kimg": 500.0,
        "ada_maximum": 0.8,
        "label_target": "one-hot",
        "label_smoothing": 0.7,
        "label_range": "unit",
        "clip_fakes": False,
    }
    assert RECIPE.batch["faithful"] == 32
    assert RECIPE.gives == {"pairs"}


def test_what_the_repaired_preset_changes() -> None:
    faithful, repaired = FAITHFUL.model_dump(), REPAIRED.model_dump()
    assert {key: value for key, value in repaired.items() if value != faithful[key]} == {
        "r1_gamma": "auto",
        "r1_least": 0.1,
        "learning_rate": 0.004,
        "learning_rate_kimg": 10.0,
        "path_length_weight": 0.0,
        "style_mixing": 0.0,
        "adversarial_loss": "relativistic",
        "penalise_fakes": True,
        "average_ramp": 0.02,
        "mirror": "none",
        "augmentation": "ada",
        "ada_kimg": 100.0,
        "label_target": "smoothed",
        "label_range": "symmetric",
        "clip_fakes": True,
    }
    assert StyleGANSettings.model_validate(repaired) == REPAIRED
    assert RECIPE.batch["repaired"] == 8


def test_capacities_change_the_width_alone() -> None:
    assert RECIPE.capacities["full"] == {}
    assert RECIPE.capacities["small"] == {
        "latent_size": 128,
        "width_base": 1024,
        "width_maximum": 128,
        "width_minimum": 16,
    }


@pytest.mark.parametrize(
    ("changes", "generator_interval", "discriminator_interval"),
    [({}, 4, 16), ({"r1_every": "3", "path_length_every": "7"}, 7, 3)],
)
def test_lazy_regularisation_rescales_adam(
    changes: dict[str, str], generator_interval: int, discriminator_interval: int
) -> None:
    """With c = k / (k + 1), rate and betas become c rate and beta^c [Karras 2020, section 3.1]."""
    stage = tiny(**changes)
    stage.build_optimizers()
    assert set(stage.optimizers) == {"generator", "discriminator"}
    for network, interval in (("generator", generator_interval), ("discriminator", discriminator_interval)):
        (group,) = stage.optimizers[network].param_groups
        c = interval / (interval + 1)
        assert group["lr"] == pytest.approx(0.002 * c)
        assert group["betas"] == pytest.approx((0.0, 0.99**c))
        assert group["eps"] == 1e-8
        assert len(group["params"]) == len(list(getattr(stage, network).parameters()))


def test_without_regularisation_adam_is_plain() -> None:
    stage = tiny(r1_gamma="0", path_length_weight="0")
    stage.build_optimizers()
    for optimizer in stage.optimizers.values():
        assert optimizer.param_groups[0]["lr"] == 0.002
        assert optimizer.param_groups[0]["betas"] == (0.0, 0.99)


@pytest.mark.parametrize(("size", "batch", "gamma"), [(256, 32, 0.4096), (64, 16, 0.0512), (32, 16, 0.0128)])
def test_automatic_weight_of_r1(size: int, batch: int, gamma: float) -> None:
    """0.0002 size^2 / batch [Karras 2020a, appendix C]."""
    assert tiny(size=size, batch=batch, r1_gamma="auto", width_base="256").r1_gamma == pytest.approx(gamma)
    assert tiny(size=size, batch=batch, width_base="256").r1_gamma == 10
    at_least = tiny(size=size, batch=batch, r1_gamma="auto", r1_least="0.1", width_base="256")
    assert at_least.r1_gamma == pytest.approx(max(gamma, 0.1))


@pytest.mark.parametrize(
    ("preset", "batch", "images", "half_life"),
    [
        ("faithful", 32, 100, 10_000),
        ("faithful", 16, 10**6, 5_000),
        ("repaired", 32, 2_000, 40),
        ("repaired", 32, 10**6, 10_000),
        ("repaired", 16, 0, 0),
    ],
)
def test_half_life_of_the_average(preset: str, batch: int, images: int, half_life: float) -> None:
    assert tiny(preset, batch=batch).average_half_life(images) == pytest.approx(half_life)


@pytest.mark.parametrize(
    ("constant", "images", "factor"),
    [("none", 10**6, 1), ("10", 0, 1), ("10", 10_000, 1), ("10", 40_000, 0.5), ("2.5", 250_000, 0.1)],
)
def test_the_learning_rate_falls_with_the_inverse_square_root(constant: str, images: int, factor: float) -> None:
    stage = tiny(learning_rate_kimg=constant)
    assert stage.learning_rate_factor(images) == pytest.approx(factor)


@pytest.mark.parametrize("size", [8, 16, 33, 48, 100, 1024])
def test_refuses_sizes_it_does_not_make(size: int) -> None:
    with pytest.raises(UserError, match=rf"32, 64, 128, 256 or 512 pixels, not {size}: choose one with --size\.$"):
        RECIPE.stages(task(size=size), FAITHFUL)


def test_refuses_a_width_that_leaves_a_resolution_without_maps() -> None:
    with pytest.raises(
        UserError, match=r"^--set width_base=128 leaves no feature map at 256 pixels: .* at least 256\.$"
    ):
        tiny(size=256)
    assert tiny(size=128).generator.synthesis.style_blocks[-1].second.bias.numel() == 1


@pytest.mark.parametrize(("image_channels", "label_count"), [(1, 2), (3, 5)])
def test_networks_fit_the_task(image_channels: int, label_count: int) -> None:
    settings = RECIPE.settings(preset="faithful", capacity="small", changes={})
    shape = Task(size=64, image_channels=image_channels, label_count=label_count, batch=4, total_images=1)
    (stage,) = RECIPE.stages(shape, settings)
    assert isinstance(stage, JointStage)
    assert stage.generator.synthesis.image_channels == image_channels
    assert stage.generator.synthesis.label_maps == label_count
    assert stage.discriminator.from_input.weight.shape[1] == image_channels + label_count
    assert stage.generator.mapping.latent_size == 128
    widths = [128, 128, 64, 32, 16]
    assert [block.second.bias.numel() for block in stage.generator.synthesis.style_blocks] == widths
    assert [block.first.bias.numel() for block in stage.discriminator.blocks] == widths[:0:-1]


def test_the_average_starts_as_the_generator_and_is_not_trained() -> None:
    stage = tiny()
    ours, average = stage.generator.state_dict(), stage.generator_average.state_dict()
    assert all(ours[name].equal(average[name]) for name in ours)
    assert not any(parameter.requires_grad for parameter in stage.generator_average.parameters())
    assert stage.averaged == (("generator_average", "generator"),)


def test_all_that_must_survive_a_restart_is_in_the_state() -> None:
    state = set(tiny().state_dict())
    assert {"path_mean", "augmentation_strength", "sign_sum", "steps", "generator.mapping.mean_latent"} <= state
    assert "smoothing" not in state


@pytest.mark.parametrize(("size", "left"), [(32, 32), (64, 16), (128, 16), (256, 16)])
def test_small_capacity_keeps_feature_maps_at_every_size(size: int, left: int) -> None:
    settings = RECIPE.settings(preset="repaired", capacity="small", changes={})
    (stage,) = RECIPE.stages(Task(size, 1, 3, 8, 1000), settings)
    assert isinstance(stage, JointStage)
    assert stage.generator.synthesis.style_blocks[-1].second.bias.shape == (left,)
