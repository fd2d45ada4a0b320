"""segan: a segmenter trained against a critic that compares masked images at every scale [Xue 2018; brain stroke GAN, 2019]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from pydantic import Field, PositiveFloat
from torch import Tensor
from torch.nn import functional as F

from segmint.errors import UserError
from segmint.losses.multi_scale_l1 import multi_scale_l1
from segmint.networks.masked_image import intensities, label_probabilities, mask_out, read_masks
from segmint.networks.normalisation import Norm
from segmint.networks.segan import Critic, Segmentor
from segmint.recipes.contract import Batch, SegmenterStage, Stage, Task, Update
from segmint.recipes.recipe import Recipe
from segmint.recipes.segmenter_augmentation import AugmentedSettings, augmented, check_augmentation

# Intensity of masked images that an untrained segmentor gives.
START_INTENSITY = 0.1


class SegANSettings(AugmentedSettings):
    """Settings; the defaults are SegAN's."""

    # Factor on the published widths of both networks.
    width: float = Field(1.0, gt=0)
    # What the segmentor gives: a mask for each label, or the image masked by each label [brain stroke GAN, 2019].
    target: Literal["mask", "masked-image"] = "mask"
    # Self-attention in both networks [brain stroke GAN, 2019].
    attention: bool = False
    norm: Literal["batch", "instance"] = "batch"
    critic_norm: Norm = "batch"
    # Every parameter of the critic is clipped to this, either side of 0; 0 for no clipping.
    critic_clip: float = Field(0.05, ge=0)
    # Intensity of black in the images that are masked, of 1 for white; at 0 black pixels show no mask.
    intensity_floor: float = Field(0.0, ge=0, lt=1)
    multi_scale_l1_weight: float = Field(1.0, ge=0)
    dice_weight: float = Field(1.0, ge=0)
    cross_entropy_weight: float = Field(0.0, ge=0)
    # Rate and betas are those of DCGAN [Radford 2016].
    learning_rate: float = Field(2e-4, gt=0)
    critic_learning_rate: PositiveFloat | None = None
    beta1: float = Field(0.5, ge=0, lt=1)
    schedule: Literal["halving", "polynomial"] = "halving"
    # 25 epochs of the 2,000 training images of ISIC 2017, in images shown.
    halving_images: float = Field(50_000, gt=0)
    # Polynomial: rate = learning_rate (1 - images / budget)^exponent, as the U-Net's.
    decay_exponent: float = Field(0.9, ge=0)

    def share_of_rate(self, images_shown: int, total_images: int) -> float:
        """Factor on both learning rates."""
        if self.schedule == "halving":
            return float(0.5 ** (images_shown // self.halving_images))
        return float(max(1 - images_shown / max(total_images, 1), 0.0) ** self.decay_exponent)


class SegANStage(SegmenterStage):
    """Critic and segmentor in turn, on the same predictions; the critic maximises what the segmentor minimises."""

    name = "segmenter"

    def __init__(self, task: Task, settings: SegANSettings) -> None:
        super().__init__()
        from monai.losses.dice import DiceLoss

        self.task, self.settings = task, settings
        self.labels = task.label_count - 1
        copies = self.labels * task.image_channels
        self.segmentor = Segmentor(
            size=task.size,
            inputs=task.image_channels,
            outputs=copies if settings.target == "masked-image" else self.labels,
            width=settings.width,
            norm=settings.norm,
            attention=settings.attention,
        )
        if settings.target == "masked-image":
            # Masked images are black nearly everywhere and start so: a mask read back as more than 1 has no gradient.
            self.segmentor.start_at(START_INTENSITY)
        self.critic = Critic(
            size=task.size,
            channels=copies,
            width=settings.width,
            norm=settings.critic_norm,
            attention=settings.attention,
        )
        # Over the whole batch: most slices lack most labels.
        self.dice = DiceLoss(batch=True)

    def build_optimizers(self) -> None:
        """Adam for each network [Xue 2018]."""
        self.rates = {
            "segmentor": self.settings.learning_rate,
            "critic": self.settings.critic_learning_rate or self.settings.learning_rate,
        }
        self.optimizers = {
            network: torch.optim.Adam(
                getattr(self, network).parameters(), lr=rate, betas=(self.settings.beta1, 0.999), fused=True
            )
            for network, rate in self.rates.items()
        }

    # -- one step ----------------------------------------------------------------------------------------------------

    def step(self, batches: Mapping[str, Batch], update: Update) -> dict[str, dict[str, Tensor]]:
        """The critic's turn, then the segmentor's."""
        share = self.settings.share_of_rate(update.images_shown, update.total_images)
        for network, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = self.rates[network] * share
        batch = batches["labelled"]
        images, labels = augmented(batch.images, batch.labels, self.settings, generator=update.generator)
        intensity = intensities(images, self.settings.intensity_floor)
        truth = F.one_hot(labels, self.task.label_count).movedim(-1, 1)[:, 1:].to(images.dtype)
        masked_truth = mask_out(intensity, truth)
        with update.autocast():
            logits = self.segmentor(images)
        masks, masked = self._masks_and_masked(logits, intensity)
        return {
            "critic": self._critic_turn(masked.detach(), masked_truth, update),
            "segmentor": self._segmentor_turn(masks, masked, truth, masked_truth, labels, update),
        }

    def _critic_turn(self, masked: Tensor, masked_truth: Tensor, update: Update) -> dict[str, Tensor]:
        with update.autocast():
            distance = multi_scale_l1(self.critic(masked), self.critic(masked_truth))
        update("critic", -distance)
        if self.settings.critic_clip:
            with torch.no_grad():
                for parameter in self.critic.parameters():
                    parameter.clamp_(-self.settings.critic_clip, self.settings.critic_clip)
        return {"multi_scale_l1": distance.detach()}

    def _segmentor_turn(
        self, masks: Tensor, masked: Tensor, truth: Tensor, masked_truth: Tensor, labels: Tensor, update: Update
    ) -> dict[str, Tensor]:
        settings = self.settings
        self.critic.requires_grad_(False)
        with update.autocast():
            with torch.no_grad():
                of_truth = self.critic(masked_truth)
            distance = multi_scale_l1(self.critic(masked), of_truth)
        dice = self.dice(masks, truth)
        logged = {"multi_scale_l1": distance.detach(), "dice": dice.detach()}
        loss = settings.multi_scale_l1_weight * distance + settings.dice_weight * dice
        if settings.cross_entropy_weight:
            entropy = F.nll_loss(label_probabilities(masks).clamp(min=1e-6).log(), labels)
            logged["cross_entropy"] = entropy.detach()
            loss = loss + settings.cross_entropy_weight * entropy
        update("segmentor", loss)
        self.critic.requires_grad_(True)
        return logged

    def _masks_and_masked(self, logits: Tensor, intensity: Tensor) -> tuple[Tensor, Tensor]:
        """Masks [N, K - 1, H, W] and masked images [N, (K - 1) C, H, W]: one is what was predicted, the other follows."""
        predicted = logits.sigmoid()
        if self.settings.target == "masked-image":
            return read_masks(predicted, intensity), predicted
        return predicted, mask_out(intensity, predicted)

    # -- segmenting --------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> Tensor:
        """Shares of the labels by `label_probabilities`, the network in evaluation mode, float32."""
        training = self.training
        self.eval()
        intensity = intensities(images, self.settings.intensity_floor)
        masks, _ = self._masks_and_masked(self.segmentor(images), intensity)
        self.train(training)
        return label_probabilities(masks)


def _stages(task: Task, settings: SegANSettings) -> Sequence[Stage]:
    check_augmentation(task, settings)
    try:
        return [SegANStage(task, settings)]
    except ValueError as error:
        raise UserError(f"--size {task.size}: segan's {error}: choose another --size.") from error


PUBLISHED = SegANSettings()
# For small sets and short budgets: the U-Net's rate, schedule and instance normalisation, and cross-entropy beside Dice, so
# that the segmentor learns within a budget in which the published rate hardly moves it. The critic keeps its clipping and its
# rate: with spectral normalisation in their place its distance grew to hundreds within 40 steps. Black is lifted to a
# quarter, so that no pixel hides its mask from the critic or from the reading back.
REPAIRED = PUBLISHED.model_copy(
    update={
        "norm": "instance",
        "intensity_floor": 0.25,
        "cross_entropy_weight": 1.0,
        "learning_rate": 3e-3,
        "critic_learning_rate": 2e-4,
        "schedule": "polynomial",
    }
)

RECIPE = Recipe(
    name="segan",
    title="SegAN: segmenter against a critic with multi-scale L1",
    source="Xue et al., Neuroinformatics 2018; brain stroke GAN, 2019",
    gives=frozenset({"segmenter"}),
    presets={"faithful": PUBLISHED, "repaired": REPAIRED},
    capacities={"small": {"width": 0.25}, "full": {}},
    stages=_stages,
    batch={"faithful": 16, "repaired": 16},
    kimg=16.0,
)
