"""joint-stylegan2: one StyleGAN2 emits image channels and label map together [Son et al., ISMRM 2022, 0102]."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from segmint.recipes.contract import PairStage, Stage, Task
from segmint.recipes.recipe import DataFacts, Recipe
from segmint.recipes.style_adversary import CAPACITIES, check_style_size
from segmint.recipes.style_gan import StyleGANSettings, StyleGANStage

FAITHFUL = StyleGANSettings()
REPAIRED = FAITHFUL.model_copy(
    update={
        # With less, trainings of 32 px swing and may end in noise (docs/results).
        "r1_gamma": "auto",
        "r1_least": 0.1,
        # With budgets of tens of kimg what learns fast wins; measured in docs/results. [Karras 2020a, appendix C] leaves
        # both regularisers out for CIFAR-10 too.
        "learning_rate": 0.004,
        "learning_rate_kimg": 10.0,
        "path_length_weight": 0.0,
        "style_mixing": 0.0,
        # A generator that leaves out a part of the data is told so; measured in docs/results.
        "adversarial_loss": "relativistic",
        "penalise_fakes": True,
        "average_ramp": 0.02,
        # Anatomy has a left and a right, and a front and a back: nothing is mirrored unless the user says so.
        "mirror": "none",
        "augmentation": "ada",
        "ada_kimg": 100.0,
        "label_target": "smoothed",
        "label_range": "symmetric",
        "clip_fakes": True,
    }
)


class JointStage(StyleGANStage, PairStage):
    """Generator and discriminator of image channels and label map."""

    name = "joint"

    def __init__(self, task: Task, settings: StyleGANSettings) -> None:
        super().__init__(task, settings, image_channels=task.image_channels, mask_counts=[task.label_count])

    def draw(self, generators: Sequence[torch.Generator], *, truncation: float = 1.0) -> tuple[Tensor, Tensor]:
        """Pairs of the averaged generator; latent and noise of pair i come from generator i alone."""
        return self.draw_maps(generators, truncation)


def _stages(task: Task, settings: StyleGANSettings) -> Sequence[Stage]:
    check_style_size(task, settings)
    return [JointStage(task, settings)]


def _suits(facts: DataFacts) -> str | None:
    if facts.pairs == 0 or facts.unlabelled > facts.pairs:
        return None
    together = "so image and labels can be learnt together by one generator"
    if facts.unlabelled:
        return f"{facts.pairs} of its images have a label map, {together}; the {facts.unlabelled} without are left out"
    return f"every one of its {facts.pairs} images has a label map, {together}"


RECIPE = Recipe(
    name="joint-stylegan2",
    title="One StyleGAN2 for image channels and label map",
    source="Son et al., ISMRM 2022, 0102; Karras et al., CVPR 2020",
    gives=frozenset({"pairs"}),
    presets={"faithful": FAITHFUL, "repaired": REPAIRED},
    capacities=CAPACITIES,
    stages=_stages,
    suits=_suits,
    # A budget counts images: with few of them, smaller batches make more steps.
    batch={"faithful": 32, "repaired": 8},
    kimg=60.0,
)
