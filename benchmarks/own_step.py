"""The training step of joint-stylegan2, exactly as the training loop runs it."""

from __future__ import annotations

import torch

from segmint.recipes import find_recipe
from segmint.recipes.contract import Batch, Task
from segmint.recipes.style_gan import StyleGANSettings
from segmint.training.build import build_stages
from segmint.training.loop import LoopUpdate
from segmint.training.precision import Hardware
from sizes import (
    LEARNING_RATE,
    PATH_LENGTH_EVERY,
    PATH_LENGTH_SHRINK,
    PATH_LENGTH_WEIGHT,
    R1_EVERY,
    R1_GAMMA,
    STYLE_MIXING,
    Sizes,
    TrainingStep,
)


def build_own_step(sizes: Sizes, *, precision: str, threads: int, regularised: bool, seed: int) -> TrainingStep:
    """Both networks, their optimisers and one batch of noise as data; `precision` is "float32" or "bf16".

    Augmentation and mirroring are off, since the implementations compared with have none of their own here.
    """
    settings = StyleGANSettings(
        latent_size=sizes.latent_size,
        width_base=sizes.width_base,
        width_maximum=sizes.width_maximum,
        learning_rate=LEARNING_RATE,
        r1_gamma=R1_GAMMA if regularised else 0.0,
        r1_every=R1_EVERY,
        path_length_weight=PATH_LENGTH_WEIGHT if regularised else 0.0,
        path_length_every=PATH_LENGTH_EVERY,
        path_length_shrink=PATH_LENGTH_SHRINK,
        style_mixing=STYLE_MIXING,
        mirror="none",
        augmentation="none",
    )
    task = Task(sizes.size, sizes.image_channels, sizes.label_maps, sizes.batch, total_images=1_000_000)
    hardware = Hardware("cpu", precision, threads, torch.backends.cpu.get_cpu_capability())
    (stage,) = build_stages(find_recipe("joint-stylegan2"), task, settings, hardware, seed=seed)
    stage.train()
    generator = torch.Generator().manual_seed(seed)
    update = LoopUpdate(stage, hardware, generator, task.total_images)
    shape = (sizes.batch, sizes.size, sizes.size)
    images = torch.randn(sizes.batch, sizes.image_channels, sizes.size, sizes.size, generator=generator).clamp(-1, 1)
    labels = torch.randint(sizes.label_maps, shape, generator=generator)
    batches = {stream: Batch(images, labels) for stream in stage.streams}

    def step() -> None:
        stage.step(batches, update)

    return step
