"""semanticgan: pairs and a segmenter from many images and few labels [Li 2021]."""

from __future__ import annotations

from collections.abc import Sequence

from segmint.errors import UserError
from segmint.recipes import joint_stylegan2
from segmint.recipes.branched_gan import BranchedStage, patch_strides
from segmint.recipes.contract import Stage, Task
from segmint.recipes.latent_segmenter import EncoderSettings, EncoderStage
from segmint.recipes.recipe import DataFacts, Recipe
from segmint.recipes.style_adversary import CAPACITIES, check_style_size


class SemanticGANSettings(EncoderSettings):
    """Settings of generator, discriminators, encoder and inference."""


FAITHFUL = SemanticGANSettings(**joint_stylegan2.FAITHFUL.model_dump())
# The generator's repairs are those of the joint one.
REPAIRED = SemanticGANSettings(**joint_stylegan2.REPAIRED.model_dump()).model_copy(
    update={
        "mask_spectral": True,
        "matched_features": "mean",
        "encoder_kimg": 16.0,
        "inference_steps": 100,
        # An image is explained better the farther a latent goes, and its mask worse; measured in docs/results.
        "inference_encoder_weight": 3.0,
    }
)


def _stages(task: Task, settings: SemanticGANSettings) -> Sequence[Stage]:
    check_style_size(task, settings)
    try:
        patch_strides(task.size, settings.mask_scales)
    except ValueError as error:
        raise UserError(f"--set mask_scales={settings.mask_scales}: {error}; give fewer.") from error
    pairs = BranchedStage(task, settings)
    return [pairs, EncoderStage(EncoderStage.budget(task, settings), settings, pairs)]


def _suits(facts: DataFacts) -> str | None:
    if facts.pairs == 0 or facts.unlabelled == 0:
        return None
    return (
        f"{facts.unlabelled} of its images have no label map, from which it learns too, and its encoder segments new images as"
        " well"
    )


RECIPE = Recipe(
    name="semanticgan",
    title="StyleGAN2 with a mask branch, and an encoder that makes it a segmenter",
    source="Li et al., CVPR 2021; Karras et al., CVPR 2020",
    gives=frozenset({"pairs", "segmenter"}),
    presets={"faithful": FAITHFUL, "repaired": REPAIRED},
    capacities={"full": {}, "small": {**CAPACITIES["small"], "mask_width": 0.25, "pyramid_width": 64}},
    stages=_stages,
    batch={"faithful": 16, "repaired": 8},
    kimg=60.0,
    governed=("encoder_kimg",),
    suits=_suits,
)
