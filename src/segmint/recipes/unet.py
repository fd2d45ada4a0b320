"""unet: the segmenter of the standard trial, a residual U-Net [Ronneberger 2015; Kerfoot 2018] from MONAI."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from pydantic import Field
from torch import Tensor

from segmint.errors import UserError
from segmint.recipes.contract import Batch, SegmenterStage, Stage, Task, Update
from segmint.recipes.recipe import Recipe
from segmint.recipes.segmenter_augmentation import AugmentedSettings, augmented, check_augmentation

# Below it there is no second level.
LEAST_SIZE = 4


class UNetSettings(AugmentedSettings):
    """Settings; the learning-rate schedule is nnU-Net's [Isensee 2021], the optimiser Adam, as budgets are short."""

    width: int = Field(16, ge=4)
    width_maximum: int = Field(256, ge=4)
    levels: int = Field(5, ge=2, le=16)
    residual_units: int = Field(2, ge=0, le=64)
    learning_rate: float = Field(0.003, gt=0)
    # Rate = learning_rate (1 - images / budget)^exponent.
    decay_exponent: float = Field(0.9, ge=0)
    weight_decay: float = Field(1e-5, ge=0)
    # Half-life of the averaged weights, as a share of the images shown; 0 keeps no average. Averaging takes the noise of
    # a high rate out at any time [Polyak 1992], so that the learning curve shows what is learnt and not the rate's fall.
    average_share: float = Field(0.05, ge=0, le=1)


class UNetStage(SegmenterStage):
    """U-Net trained with the sum of Dice loss and cross-entropy."""

    name = "segmenter"
    averaged = (("network_average", "network"),)

    def __init__(self, task: Task, settings: UNetSettings) -> None:
        super().__init__()
        from monai.losses.dice import DiceCELoss
        from monai.networks.nets.unet import UNet

        self.task, self.settings = task, settings
        widths = [min(settings.width * 2**level, settings.width_maximum) for level in range(settings.levels)]
        self.network = UNet(
            spatial_dims=2,
            in_channels=task.image_channels,
            out_channels=task.label_count,
            channels=widths,
            strides=[2] * (settings.levels - 1),
            num_res_units=settings.residual_units,
        )
        self.network_average = copy.deepcopy(self.network).requires_grad_(False)
        # Dice over the whole batch: most slices lack most labels.
        self.loss = DiceCELoss(softmax=True, to_onehot_y=True, include_background=False, batch=True)

    def build_optimizers(self) -> None:
        """AdamW on all weights."""
        rate, decay = self.settings.learning_rate, self.settings.weight_decay
        self.optimizers = {
            "network": torch.optim.AdamW(self.network.parameters(), lr=rate, weight_decay=decay, fused=True)
        }

    def step(self, batches: Mapping[str, Batch], update: Update) -> dict[str, dict[str, Tensor]]:
        """One supervised step."""
        batch = batches["labelled"]
        share_left = 1 - update.images_shown / max(update.total_images, 1)
        for group in self.optimizers["network"].param_groups:
            group["lr"] = self.settings.learning_rate * max(share_left, 0.0) ** self.settings.decay_exponent
        images, labels = augmented(batch.images, batch.labels, self.settings, generator=update.generator)
        with update.autocast():
            logits = self.network(images.contiguous(memory_format=torch.channels_last))
        loss: Tensor = self.loss(logits.float(), labels[:, None])
        update("network", loss)
        return {"network": {"dice_and_cross_entropy": loss.detach()}}

    def average_half_life(self, images_shown: int) -> float:
        """A share of the images shown."""
        return self.settings.average_share * images_shown

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> Tensor:
        """Softmax of the averaged network in evaluation mode, float32."""
        training = self.training
        self.eval()
        probabilities: Tensor = (
            self.network_average(images.contiguous(memory_format=torch.channels_last)).float().softmax(dim=1)
        )
        self.train(training)
        return probabilities

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        """Means over the image of what the lowest level gives, float32 [N, width of that level]."""
        lowest = self.network_average.model
        while isinstance(lowest, torch.nn.Sequential) and hasattr(lowest[1], "submodule"):
            lowest = lowest[1].submodule
        found: list[Tensor] = []
        handle = lowest.register_forward_hook(lambda _module, _inputs, output: found.append(output))
        try:
            self.probabilities(images)
        finally:
            handle.remove()
        return found[0].float().mean(dim=(-2, -1))


def _stages(task: Task, settings: UNetSettings) -> Sequence[Stage]:
    check_augmentation(task, settings)
    if task.size < LEAST_SIZE:
        raise UserError(
            f"unet takes images of at least {LEAST_SIZE} pixels a side, not {task.size}: choose another --size."
        )
    # Fewer levels for small images, so that the lowest keeps at least two pixels a side.
    levels = min(settings.levels, task.size.bit_length() - 1)
    multiple = 2 ** (levels - 1)
    if task.size % multiple:
        raise UserError(
            f"unet with {levels} levels takes images whose side is a multiple of {multiple}, not {task.size}: "
            "choose another --size."
        )
    settings = settings.model_copy(update={"levels": levels})
    return [UNetStage(task, settings)]


RECIPE = Recipe(
    name="unet",
    title="Residual U-Net segmenter",
    source="Ronneberger et al., MICCAI 2015; MONAI",
    gives=frozenset({"segmenter"}),
    presets={"repaired": UNetSettings(), "faithful": UNetSettings()},
    capacities={"small": {}, "full": {"width": 32, "width_maximum": 512}},
    stages=_stages,
    batch={"faithful": 16, "repaired": 16},
    kimg=16.0,
)
