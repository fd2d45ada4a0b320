"""What the batches of a segmenter go through before it learns from them."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor

from segmint.errors import UserError
from segmint.networks.copy_paste import Style, apply_pastes, draw_pastes
from segmint.networks.cut_mix import apply_boxes, draw_boxes
from segmint.networks.segmentation_augmentation import apply_changes, draw_changes
from segmint.recipes.contract import Task
from segmint.recipes.recipe import RecipeSettings

MIXING = ("cutmix", "copypaste")
"""Kinds that bring something of another sample of the batch."""


class AugmentedSettings(RecipeSettings):
    """Settings of a segmenter's recipe that every such recipe has."""

    # Kinds, see `segmint.networks.segmentation_augmentation`, `cut_mix` and `copy_paste`.
    augment: tuple[Literal["flips", "elastic", "strong", "cutmix", "copypaste"], ...] = ()
    # How lesions are pasted, and the label ids that count as lesion; none: all but the background.
    copypaste_style: Style = "carvemix"
    copypaste_labels: tuple[PositiveInt, ...] = ()


def check_augmentation(task: Task, settings: AugmentedSettings) -> None:
    """Whether the settings fit the labels, the batch and one another.

    Raises:
        UserError: they do not.
    """
    mixing = [kind for kind in settings.augment if kind in MIXING]
    if mixing and task.batch < 2:
        raise UserError(
            f"--augment {mixing[0]} takes from other samples of a batch, and --batch {task.batch} has none: give at least 2."
        )
    fields = type(settings).model_fields
    changed = [
        name for name in ("copypaste_style", "copypaste_labels") if getattr(settings, name) != fields[name].default
    ]
    if changed and "copypaste" not in settings.augment:
        raise UserError(f"--set {changed[0]}: this is for --augment copypaste: give both, or neither.")
    for label in settings.copypaste_labels:
        if label >= task.label_count:
            raise UserError(
                f"--set copypaste_labels: there is no label {label}; ids run from 1 to {task.label_count - 1}."
            )


def augmented(
    images: Tensor, labels: Tensor, settings: AugmentedSettings, *, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Images float32 [N, C, H, W] in [-1, 1] and ids int64 [N, H, W], changed as the settings say.

    Lesions are pasted first, so that what was pasted is deformed with the rest; boxes are exchanged last, so that their edges
    stay straight.
    """
    kinds = settings.augment
    n, channels = images.shape[:2]
    if "copypaste" in kinds:
        pastes = draw_pastes(n, generator=generator)
        images, labels = apply_pastes(
            images, labels, pastes, style=settings.copypaste_style, lesions=settings.copypaste_labels
        )
    if changing := [kind for kind in kinds if kind not in MIXING]:
        changes = draw_changes(n, channels, changing, generator=generator, device=images.device)
        images, labels = apply_changes(images, labels, changes)
    if "cutmix" in kinds:
        images, labels = apply_boxes(images, labels, draw_boxes(n, generator=generator, device=images.device))
    return images, labels
