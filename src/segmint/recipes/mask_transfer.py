"""mask-transfer: predicts a condition map that a dataset lacks, taught by one that has it [Rawnaq 2023]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from pydantic import Field
from torch import Tensor

from segmint.errors import UserError
from segmint.recipes.contract import Batch, Stage, Task, TransferStage, Update
from segmint.recipes.mask_channels import one_hot_masks
from segmint.recipes.recipe import Recipe, RecipeSettings


class MaskTransferSettings(RecipeSettings):
    """Settings; the source says "strong Gaussian noise" and leaves the rest open."""

    width: int = Field(16, ge=4)
    levels: int = Field(4, ge=2, le=16)
    learning_rate: float = Field(0.003, gt=0)
    # Standard deviation of the noise on the input image, in units of the [-1, 1] range, drawn up to this for each sample.
    noise: float = Field(0.5, ge=0)
    # Brightness is moved by up to this, contrast scaled by 2^(+-this): what differs between microscopes.
    intensity_shift: float = Field(0.0, ge=0)


class MaskTransferStage(TransferStage):
    """U-Net: image with noise and label map in, condition map out."""

    name = "transfer"

    def __init__(self, task: Task, settings: MaskTransferSettings) -> None:
        super().__init__()
        from monai.losses.dice import DiceCELoss
        from monai.networks.nets.unet import UNet

        self.task, self.settings = task, settings
        (count,) = task.condition_counts
        levels = min(settings.levels, (task.size & -task.size).bit_length())
        self.network = UNet(
            spatial_dims=2,
            in_channels=task.image_channels + task.label_count,
            out_channels=count,
            channels=[settings.width * 2**level for level in range(levels)],
            strides=[2] * (levels - 1),
            num_res_units=1,
            norm="instance",
        )
        self.loss = DiceCELoss(softmax=True, to_onehot_y=True, include_background=False, batch=True)

    def build_optimizers(self) -> None:
        """AdamW on all weights."""
        rate = self.settings.learning_rate
        self.optimizers = {"network": torch.optim.AdamW(self.network.parameters(), lr=rate, fused=True)}

    def step(self, batches: Mapping[str, Batch], update: Update) -> dict[str, dict[str, Tensor]]:
        """One supervised step."""
        batch = batches["labelled"]
        assert batch.conditions is not None
        share_left = 1 - update.images_shown / max(update.total_images, 1)
        for group in self.optimizers["network"].param_groups:
            group["lr"] = self.settings.learning_rate * max(share_left, 0.0) ** 0.9
        with update.autocast():
            logits = self._logits(self._disturbed(batch.images, update), batch.labels)
        loss: Tensor = self.loss(logits.float(), batch.conditions)
        update("network", loss)
        return {"network": {"dice_and_cross_entropy": loss.detach()}}

    def _disturbed(self, images: Tensor, update: Update) -> Tensor:
        g, device = update.generator, images.device
        uniform = torch.rand(3, len(images), 1, 1, 1, generator=g, device=g.device).to(device)
        noise = torch.randn(images.shape, generator=g, device=g.device).to(device)
        shift = self.settings.intensity_shift
        images = images * torch.exp2((uniform[1] * 2 - 1) * shift) + (uniform[2] * 2 - 1) * shift
        return images + noise * uniform[0] * self.settings.noise

    def _logits(self, images: Tensor, labels: Tensor) -> Tensor:
        x = torch.cat([images, one_hot_masks(labels[:, None], [self.task.label_count])], dim=1)
        logits: Tensor = self.network(x.contiguous(memory_format=torch.channels_last))
        return logits

    @torch.no_grad()
    def predict_condition(self, images: Tensor, labels: Tensor) -> Tensor:
        """The most probable id, without noise."""
        return self._logits(images, labels).argmax(dim=1)


def _stages(task: Task, settings: MaskTransferSettings) -> Sequence[Stage]:
    if len(task.condition_counts) != 1:
        raise UserError("mask-transfer learns one condition map: give its name with --conditions NAME.")
    return [MaskTransferStage(task, settings)]


PUBLISHED = MaskTransferSettings()

RECIPE = Recipe(
    name="mask-transfer",
    title="A condition map predicted by transfer from another dataset",
    source="Rawnaq 2023",
    gives=frozenset({"conditions"}),
    presets={"faithful": PUBLISHED, "repaired": PUBLISHED.model_copy(update={"intensity_shift": 0.5})},
    capacities={"small": {}, "full": {"width": 32, "levels": 5}},
    stages=_stages,
    batch={"faithful": 8, "repaired": 8},
    kimg=8.0,
    conditions="all",
)
