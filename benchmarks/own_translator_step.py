"""The training step of vess2image with pix2pix's own settings, exactly as the training loop runs it."""

from __future__ import annotations

import torch

from segmint.recipes import find_recipe
from segmint.recipes.contract import Batch, Task
from segmint.recipes.translator import PaintingStage, TranslatorSettings
from segmint.training.build import build_stages
from segmint.training.loop import LoopUpdate
from segmint.training.precision import Hardware
from translator_sizes import (
    BETAS,
    DISCRIMINATOR_WEIGHT,
    DROPOUT,
    L1_WEIGHT,
    LEARNING_RATE,
    PUBLISHED_FILTERS,
    Contestant,
    TranslatorSizes,
    count_parameters,
)


def build_own_step(sizes: TranslatorSizes, *, precision: str, threads: int, seed: int) -> Contestant:
    """Both networks, their optimisers and one batch; `precision` is "float32" or "bf16".

    The step begins with label maps, which it makes one-hot itself, and ends with the check that losses are finite.
    """
    settings = TranslatorSettings(
        generator="unet",
        width=sizes.filters / PUBLISHED_FILTERS,
        norm="batch",
        dropout=DROPOUT,
        dropout_blocks=3,
        discriminator_strides=(2, 2, 2, 1),
        discriminators=1,
        adversarial="bce",
        discriminator_weight=DISCRIMINATOR_WEIGHT,
        l1_weight=L1_WEIGHT,
        first="discriminator",
        learning_rate=LEARNING_RATE,
        beta1=BETAS[0],
        average_images=0.0,
    )
    task = Task(sizes.size, sizes.image_channels, sizes.label_maps, sizes.batch, total_images=1_000_000)
    hardware = Hardware("cpu", precision, threads, torch.backends.cpu.get_cpu_capability())
    (stage,) = build_stages(find_recipe("vess2image"), task, settings, hardware, seed=seed)
    assert isinstance(stage, PaintingStage)
    stage.train()
    update = LoopUpdate(stage, hardware, torch.Generator().manual_seed(seed), task.total_images)
    labels, images = sizes.examples(seed)
    batches = {stream: Batch(images, labels) for stream in stage.streams}

    def step() -> None:
        stage.step(batches, update)

    return Contestant(
        step,
        {name: count_parameters(getattr(stage, name)) for name in ("generator", "discriminator")},
    )
