"""Masks painted by style and noise: the repaired preset of stroke-pix2pix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from segmint.errors import UserError
from segmint.recipes.contract import Batch, Task
from segmint.recipes.stroke_pix2pix import RECIPE
from segmint.recipes.style_painter import StylePaintingStage
from segmint.training.build import build_stages
from segmint.training.checkpoint import capture, restore
from segmint.training.loop import LoopUpdate
from segmint.training.precision import Hardware

SIZE, LABELS = 32, 3
TINY = {"latent_size": "8", "width_base": "128", "width_maximum": "8", "r1_every": "2"}
TASK = Task(SIZE, 1, LABELS, 4, 1000, (2,))


def build(**changes: str) -> StylePaintingStage:
    settings = RECIPE.settings(preset="repaired", capacity="full", changes={**TINY, **changes})
    (stage,) = RECIPE.stages(TASK, settings)
    assert isinstance(stage, StylePaintingStage)
    stage.build_optimizers()
    return stage


def batch(n: int = 4) -> Batch:
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(n, 1, SIZE, SIZE, generator=generator) * 2 - 1
    labels = torch.randint(LABELS, (n, SIZE, SIZE), generator=generator)
    return Batch(images, labels, torch.randint(2, (n, 1, SIZE, SIZE), generator=generator))


def test_a_step_trains_each_network_and_leaves_the_others_alone(watch: Callable[..., Any]) -> None:
    stage = build()
    before = {name: value.detach().clone() for name, value in stage.named_parameters()}
    update = watch(stage)
    logged = stage.step({"labelled": batch()}, update)
    still = {name for name, value in stage.named_parameters() if torch.equal(value, before[name])}
    # Only differences of logits count, and a bias before a normalisation has no gradient.
    assert {name for name in still if not name.startswith(("generator_average", "reader"))} == {
        "discriminator.logit.bias"
    }
    assert all(name.endswith("bias") for name in still if name.startswith("reader"))
    assert update.untouched
    assert [network for network, _ in update.losses] == ["reader", "generator", *["discriminator"] * 3]
    assert {"r1", "r2"} < set(logged["discriminator"])
    terms = logged["generator"]
    assert dict(update.losses)["generator"] == pytest.approx(float(terms["adversarial"] + terms["reading"]), rel=1e-5)
    assert all(torch.isfinite(value) for losses in logged.values() for value in losses.values())


def test_the_learning_rates_fall_and_the_readers_does_not(watch: Callable[..., Any]) -> None:
    stage = build(learning_rate_kimg="10")
    update, first = watch(stage), {n: o.param_groups[0]["lr"] for n, o in stage.optimizers.items()}
    update.images_shown = 40_000
    stage.step({"labelled": batch()}, update)
    after = {n: o.param_groups[0]["lr"] for n, o in stage.optimizers.items()}
    assert after == {n: rate / (1 if n == "reader" else 2) for n, rate in first.items()}


def test_without_reading_there_is_no_reader(watch: Callable[..., Any]) -> None:
    stage = build(reading_weight="0")
    logged = stage.step({"labelled": batch()}, watch(stage))
    assert stage.reader is None
    assert set(logged) == {"generator", "discriminator"}
    assert set(logged["generator"]) == {"adversarial"}


@pytest.mark.parametrize(
    ("until", "shown", "weight"), [("0.5", 0, 2), ("0.5", 250, 1), ("0.5", 500, 0), ("0.5", 900, 0), ("0", 900, 2)]
)
def test_the_reader_steps_back(until: str, shown: int, weight: float, watch: Callable[..., Any]) -> None:
    stage = build(reading_weight="2", reading_until=until)
    update = watch(stage)
    update.images_shown = shown
    logged = stage.step({"labelled": batch()}, update)["generator"]
    expected = float(logged["adversarial"] + weight * logged["reading"])
    assert dict(update.losses)["generator"] == pytest.approx(expected, rel=1e-5)


def test_real_and_painted_images_are_judged_with_the_same_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the discriminator could tell them by the masks."""
    stage, given = build(), batch()
    judged: list[torch.Tensor] = []

    def turn(reals: torch.Tensor, fakes: torch.Tensor, update: object) -> dict[str, torch.Tensor]:  # noqa: ARG001
        judged.extend((reals, fakes))
        return {}

    monkeypatch.setattr(stage, "_discriminator_turn", turn)
    update = LoopUpdate(stage, Hardware("cpu", "float32", 1, ""), torch.Generator().manual_seed(0), 1000)
    stage.step({"labelled": given}, update)
    reals, fakes = judged
    assert reals.shape == fakes.shape == (4, 1 + LABELS + 2, SIZE, SIZE)
    assert torch.equal(reals[:, :1], given.images)
    assert torch.equal(reals[:, 1:], fakes[:, 1:])
    assert not torch.equal(reals[:, :1], fakes[:, :1])


def test_a_restored_stage_goes_on_exactly() -> None:
    hardware = Hardware("cpu", "float32", 1, "")
    settings = RECIPE.settings(preset="repaired", capacity="full", changes=TINY)

    def start(seed: int) -> tuple[StylePaintingStage, LoopUpdate]:
        (stage,) = build_stages(RECIPE, TASK, settings, hardware, seed=seed)
        assert isinstance(stage, StylePaintingStage)
        return stage.train(), LoopUpdate(stage, hardware, torch.Generator().manual_seed(seed), 1000)

    def go_on(stage: StylePaintingStage, update: LoopUpdate) -> None:
        for _ in range(2):
            stage.step({"labelled": batch()}, update)

    (whole, update), (resumed, later) = start(0), start(1)
    go_on(whole, update)
    restore(resumed, capture(whole, update.generator), later.generator)
    go_on(whole, update)
    go_on(resumed, later)
    for mine, theirs in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert mine.stride() == theirs.stride()
        assert torch.equal(mine, theirs)


def test_an_image_depends_on_its_masks_and_its_generator_alone() -> None:
    stage, masks = build().eval(), batch(3).masks

    def generators(*seeds: int) -> list[torch.Generator]:
        return [torch.Generator().manual_seed(seed) for seed in seeds]

    painted = stage.paint(masks, generators(1, 2, 3))
    assert painted.shape == (3, 1, SIZE, SIZE)
    assert painted.abs().max() <= 1
    assert torch.allclose(painted[1:2], stage.paint(masks[1:2], generators(2)), atol=1e-5)
    for other in (stage.paint(masks[:1], generators(9)), stage.paint(masks[:1].flip(-1), generators(1))):
        assert not torch.allclose(other, painted[:1], atol=1e-5)


def test_paints_larger_images_of_any_sides() -> None:
    masks = torch.zeros(1, 2, 75, 90, dtype=torch.int64)
    assert build().eval().paint(masks, [torch.Generator().manual_seed(0)]).shape == (1, 1, 75, 90)


def test_refuses_sizes_it_cannot_be_built_for() -> None:
    settings = RECIPE.settings(preset="repaired", capacity="full", changes=TINY)
    with pytest.raises(UserError, match="not 48: choose one with --size"):
        RECIPE.stages(Task(48, 1, 2, 1, 10), settings)


def test_each_preset_has_its_own_settings() -> None:
    assert RECIPE.settings(preset="faithful", capacity="small", changes={}).model_dump()["width"] == 0.25
    assert RECIPE.settings(preset="repaired", capacity="small", changes={}).model_dump()["latent_size"] == 128
    with pytest.raises(UserError, match="--set l1_weight: stroke-pix2pix has no such setting"):
        RECIPE.settings(preset="repaired", capacity="small", changes={"l1_weight": "1"})
