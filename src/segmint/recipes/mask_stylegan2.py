"""mask-stylegan2: the style-based generator on masks alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from segmint.recipes.contract import MaskStage, Stage, Task
from segmint.recipes.joint_stylegan2 import FAITHFUL, REPAIRED
from segmint.recipes.mask_channels import hard_masks
from segmint.recipes.recipe import Recipe
from segmint.recipes.style_adversary import CAPACITIES, check_style_size
from segmint.recipes.style_gan import StyleGANSettings, StyleGANStage


class MaskStyleStage(StyleGANStage, MaskStage):
    """Generator and discriminator of a label map and its condition maps."""

    name = "masks"

    def __init__(self, task: Task, settings: StyleGANSettings) -> None:
        super().__init__(task, settings, image_channels=0, mask_counts=task.mask_counts)

    def draw_masks(self, generators: Sequence[torch.Generator], *, truncation: float = 1.0) -> Tensor:
        """The most probable id of each map."""
        _, maps = self.draw_maps(generators, truncation)
        return hard_masks(maps, self.mask_counts)


def _stages(task: Task, settings: StyleGANSettings) -> Sequence[Stage]:
    check_style_size(task, settings)
    return [MaskStyleStage(task, settings)]


# A line one pixel wide keeps 0.92 of its height under a Gaussian of 0.4 pixels, and 0.57 under joint-stylegan2's of 0.7: there
# vessels fall to pieces where ids are taken (docs/results). Masks alone are often few: augmentation rises faster.
REPAIRED_MASKS = REPAIRED.model_copy(update={"label_smoothing": 0.4, "ada_kimg": 20.0})

RECIPE = Recipe(
    name="mask-stylegan2",
    title="StyleGAN2 of masks alone",
    source="Karras et al., CVPR 2020 and NeurIPS 2020",
    gives=frozenset({"masks"}),
    presets={"faithful": FAITHFUL, "repaired": REPAIRED_MASKS},
    capacities=CAPACITIES,
    stages=_stages,
    batch={"faithful": 32, "repaired": 8},
    kimg=20.0,
    conditions="all",
)
