"""Seeded weights, and a tiny joint stage with an update that can be watched."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from segmint.recipes.contract import Batch, Stage, Task
from segmint.recipes.joint_stylegan2 import RECIPE, JointStage
from segmint.training.loop import LoopUpdate
from segmint.training.precision import Hardware

CHANNELS, LABELS, SIZE = 2, 3, 32


class WatchedUpdate(LoopUpdate):
    """The loop's own update, which also keeps what it was handed, and whether it left the other network alone."""

    def __init__(self, stage: JointStage, *, seed: int = 0, precision: str = "float32") -> None:
        super().__init__(stage, Hardware("cpu", precision, 1, ""), torch.Generator().manual_seed(seed), 1000)
        self.watched = stage
        self.losses: list[tuple[str, float]] = []
        self.untouched = True

    def __call__(self, network: str, loss: Tensor) -> None:
        other: Any = self.watched.discriminator if network == "generator" else self.watched.generator
        before = copy.deepcopy(other.state_dict())
        super().__call__(network, loss)
        after = other.state_dict()
        self.untouched &= all(torch.equal(before[name], after[name]) for name in before)
        self.losses.append((network, loss.item()))


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    """Initial weights come from torch's global generator: it is put back afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.fixture
def build() -> Callable[..., JointStage]:
    """Joint stage of a preset with a few feature maps: 2 image channels, 3 labels, 32 px."""

    def make(preset: str = "faithful", *, batch: int = 4, **changes: str) -> JointStage:
        changes = {"latent_size": "8", "width_base": "128", "width_maximum": "8", **changes}
        settings = RECIPE.settings(preset=preset, capacity="full", changes=changes)
        (stage,) = RECIPE.stages(Task(SIZE, CHANNELS, LABELS, batch, 1000), settings)
        assert isinstance(stage, JointStage)
        stage.build_optimizers()
        return stage

    return make


@pytest.fixture
def random_batch() -> Callable[..., Batch]:
    """Random pairs."""

    def make(n: int = 4, seed: int = 0) -> Batch:
        generator = torch.Generator().manual_seed(seed)
        images = torch.rand(n, CHANNELS, SIZE, SIZE, generator=generator) * 2 - 1
        return Batch(images, torch.randint(LABELS, (n, SIZE, SIZE), generator=generator))

    return make


@pytest.fixture
def watch() -> type[WatchedUpdate]:
    """Class of the watched update."""
    return WatchedUpdate


@pytest.fixture
def train(random_batch: Callable[..., Batch]) -> Callable[..., list[dict[str, Any]]]:
    """Run some steps and return what they logged."""

    def run(stage: Stage, count: int, update: LoopUpdate, batch: Batch | None = None) -> list[dict[str, Any]]:
        return [stage.step({"labelled": batch or random_batch()}, update) for _ in range(count)]

    return run


@pytest.fixture
def seen_by_discriminator() -> Callable[[JointStage, Batch], list[Tensor]]:
    """Inputs of the discriminator in one step, in the order in which it sees them."""

    def look(stage: JointStage, batch: Batch) -> list[Tensor]:
        seen: list[Tensor] = []
        hook = stage.discriminator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach().clone()))
        stage.step({"labelled": batch}, WatchedUpdate(stage))
        hook.remove()
        return seen

    return look
