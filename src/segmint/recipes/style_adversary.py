"""The discriminator's side of a style-based GAN [Karras 2020; Karras 2020a], shared by all stages that train one."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat
from torch import Tensor, nn
from torch.nn import functional as F

from segmint.errors import UserError
from segmint.losses.adversarial import (
    discriminator_logistic,
    discriminator_relativistic,
    generator_logistic,
    generator_relativistic,
)
from segmint.losses.gradient_penalty import r1_penalty
from segmint.networks.paired_augmentation import apply_augmentation, draw_augmentation
from segmint.networks.style_discriminator import StyleDiscriminator
from segmint.recipes.contract import Batch, Stage, Task, Update
from segmint.recipes.mask_channels import one_hot_masks
from segmint.recipes.recipe import RecipeSettings

CAPACITIES: dict[str, dict[str, int]] = {
    "full": {},
    "small": {"latent_size": 128, "width_base": 1024, "width_maximum": 128, "width_minimum": 16},
}
LabelTarget = Literal["one-hot", "smoothed", "straight-through"]


class StyleAdversarySettings(RecipeSettings):
    """Settings; the defaults are the published ones (source silent: [Karras 2020])."""

    latent_size: int = Field(512, ge=1)
    width_base: int = Field(32768, ge=64)
    width_maximum: int = Field(512, ge=4)
    # Feature maps left at the output's resolution; where the base leaves fewer, it is raised.
    width_minimum: int = Field(0, ge=0)
    learning_rate: float = Field(0.002, gt=0)
    # After so many thousand images the rate falls with the inverse square root of the images shown, whatever the budget, as in
    # [Karras 2024].
    learning_rate_kimg: PositiveFloat | Literal["none"] = "none"
    adversarial_loss: Literal["logistic", "relativistic"] = "logistic"
    # Whether the gradient penalty is taken at fakes too (R2), which the relativistic loss needs [Huang 2024, section 2].
    penalise_fakes: bool = False
    # "auto" is 0.0002 size^2 / batch [Karras 2020a, appendix C], but at least `r1_least`.
    r1_gamma: NonNegativeFloat | Literal["auto"] = 10.0
    r1_least: float = Field(0.0, ge=0)
    r1_every: int = Field(16, ge=1)
    average_kimg: float = Field(10.0, ge=0)
    # The average's half-life is at most this share of the images shown, so that short trainings are not held back.
    average_ramp: PositiveFloat | Literal["none"] = "none"
    mirror: Literal["none", "h", "v", "hv"] = "h"
    augmentation: Literal["none", "ada"] = "none"
    ada_target: float = Field(0.6, gt=-1, lt=1)
    # Thousands of images in which the strength may go from 0 to 1.
    ada_kimg: float = Field(500.0, gt=0)
    # Above this strength augmentations leak into the samples [Karras 2020a, section 2.2].
    ada_maximum: float = Field(0.8, ge=0, le=1)
    label_target: LabelTarget = "one-hot"
    # Deviation in pixels of the Gaussian that softens real one-hot maps where `label_target` is "smoothed".
    label_smoothing: float = Field(0.7, ge=0)
    # The range in which the discriminator sees label maps: "unit" is [0, 1], "symmetric" is [-1, 1], as the images.
    label_range: Literal["unit", "symmetric"] = "unit"
    # Whether the discriminator sees generated images clipped to [-1, 1], as real ones are.
    clip_fakes: bool = False


def smoothing_kernel(deviation: float) -> Tensor:
    """Normalised one-dimensional Gaussian taps, radius three deviations."""
    radius = max(1, round(3 * deviation))
    taps = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / max(deviation, 1e-6)) ** 2)
    return taps / taps.sum()


class StyleAdversaryStage(Stage):
    """Discriminator of `image_channels` channels and of the one-hot maps of masks with `mask_counts` ids.

    Args:
        generator: what it is trained against.
        judges_masks: whether it sees the maps at all.
    """

    averaged = (("generator_average", "generator"),)
    augmentation_strength: Tensor
    sign_sum: Tensor
    steps: Tensor

    def __init__(
        self,
        task: Task,
        settings: StyleAdversarySettings,
        generator: nn.Module,
        *,
        image_channels: int,
        mask_counts: Sequence[int],
        judges_masks: bool = True,
    ) -> None:
        super().__init__()
        self.task, self.settings = task, settings
        self.image_channels, self.mask_counts = image_channels, tuple(mask_counts)
        automatic = max(0.0002 * task.size**2 / task.batch, settings.r1_least)
        self.r1_gamma = automatic if settings.r1_gamma == "auto" else settings.r1_gamma
        self.generator = generator
        judged = image_channels + (sum(mask_counts) if judges_masks else 0)
        self.discriminator = StyleDiscriminator(size=task.size, channels=judged, **style_widths(task, settings))
        self.generator_average = copy.deepcopy(generator).requires_grad_(False)
        self.register_buffer("augmentation_strength", torch.zeros(()))
        self.register_buffer("sign_sum", torch.zeros(()))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.register_buffer("smoothing", smoothing_kernel(settings.label_smoothing), persistent=False)

    def build_optimizers(self) -> None:
        """Adam with betas (0, 0.99); lazy regularisation rescales both [Karras 2020, section 3.1]."""
        self.optimizers = {
            "generator": self._lazy_adam("generator", 0),
            "discriminator": self._lazy_adam("discriminator", self.settings.r1_every if self.r1_gamma else 0),
        }

    def _lazy_adam(self, network: str, interval: int) -> torch.optim.Optimizer:
        c = interval / (interval + 1) if interval else 1.0
        rate = self.settings.learning_rate * c
        return torch.optim.Adam(
            [{"params": list(getattr(self, network).parameters()), "initial_lr": rate}],
            lr=rate,
            betas=(0.0, 0.99**c),
            eps=1e-8,
            fused=True,
        )

    def learning_rate_factor(self, images_shown: int) -> float:
        """What the learning rates are multiplied by."""
        constant = self.settings.learning_rate_kimg
        return 1.0 if constant == "none" else min(1.0, (constant * 1000 / max(images_shown, 1)) ** 0.5)

    def _set_learning_rates(self, images_shown: int) -> None:
        """At the beginning of a step; of the networks that `_lazy_adam` trains."""
        factor = self.learning_rate_factor(images_shown)
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                if "initial_lr" in group:
                    group["lr"] = group["initial_lr"] * factor

    # -- what the discriminator sees ---------------------------------------------------------------------------------

    def real_pairs(self, batch: Batch) -> Tensor:
        """Images and one-hot maps [N, C + K, S, S] as the discriminator sees reals."""
        maps = one_hot_masks(batch.masks[:, : len(self.mask_counts)], self.mask_counts)
        if self.mask_counts and self.settings.label_target == "smoothed" and self.settings.label_smoothing > 0:
            maps = self._smooth(maps)
        return torch.cat([batch.images[:, : self.image_channels], self._to_range(maps)], dim=1)

    def _smooth(self, maps: Tensor) -> Tensor:
        """Separable Gaussian with repeated borders, so that the maps still sum to one."""
        taps = self.get_buffer("smoothing")
        radius, channels = len(taps) // 2, maps.shape[1]
        maps = F.pad(maps, (radius,) * 4, mode="replicate")
        maps = F.conv2d(maps, taps.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
        return F.conv2d(maps, taps.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)

    def _to_range(self, maps: Tensor) -> Tensor:
        return maps * 2 - 1 if self.settings.label_range == "symmetric" else maps

    def _augmented(self, pairs: Tensor, update: Update, *, strength: Tensor | None = None) -> Tensor:
        if self.settings.augmentation == "none":
            return pairs
        parameters = draw_augmentation(
            len(pairs),
            self.image_channels,
            strength=float(self.augmentation_strength if strength is None else strength),
            generator=update.generator,
            device=pairs.device,
        )
        return apply_augmentation(pairs, self.image_channels, parameters)

    def _mirrored(self, batch: Batch, update: Update) -> Batch:
        images, labels, conditions = batch.images, batch.labels, batch.conditions
        for letter, axis in (("h", -1), ("v", -2)):
            if letter in self.settings.mirror and self.settings.mirror != "none":
                chosen = torch.rand(len(images), generator=update.generator, device=update.generator.device) < 0.5
                chosen = chosen.to(images.device)
                images = torch.where(chosen[:, None, None, None], images.flip(axis), images)
                labels = torch.where(chosen[:, None, None], labels.flip(axis), labels)
                if conditions is not None:
                    conditions = torch.where(chosen[:, None, None, None], conditions.flip(axis), conditions)
        return Batch(images, labels, conditions)

    # -- its part of a step ------------------------------------------------------------------------------------------

    def _discriminator_turn(self, reals: Tensor, fakes: Tensor, update: Update) -> dict[str, Tensor]:
        relativistic = self.settings.adversarial_loss == "relativistic"
        with update.autocast():
            fake_logits = self.discriminator(self._augmented(fakes, update))
            real_logits = self.discriminator(self._augmented(reals, update))
            loss = (discriminator_relativistic if relativistic else discriminator_logistic)(real_logits, fake_logits)
        update("discriminator", loss)
        logged = {
            "adversarial": loss.detach(),
            "real_logit": real_logits.detach().mean(),
            "fake_logit": fake_logits.detach().mean(),
        }
        if self.r1_gamma and int(self.steps) % self.settings.r1_every == 0:
            logged["r1"] = self._gradient_penalty(reals, update)
            if self.settings.penalise_fakes:
                logged["r2"] = self._gradient_penalty(fakes, update)
        # Where only differences of logits mean something, the sign of the difference is what tells of overfitting.
        signed = real_logits - fake_logits if relativistic else real_logits
        self.sign_sum += signed.detach().sign().mean()
        return logged

    def _generator_loss(self, reals: Tensor, fakes: Tensor, update: Update) -> Tensor:
        fake_logits = self.discriminator(self._augmented(fakes, update))
        if self.settings.adversarial_loss == "logistic":
            return generator_logistic(fake_logits)
        with torch.no_grad():
            real_logits = self.discriminator(self._augmented(reals, update))
        return generator_relativistic(real_logits, fake_logits)

    def _gradient_penalty(self, pairs: Tensor, update: Update) -> Tensor:
        """R1 at reals, R2 at fakes."""
        # With respect to what the discriminator sees: the augmented pairs.
        seen = self._augmented(pairs, update).detach().requires_grad_(True)
        penalty = r1_penalty(self.discriminator(seen), seen)
        update("discriminator", penalty * (self.r1_gamma / 2 * self.settings.r1_every))
        return penalty.detach()

    def _adapt(self, strength: Tensor, sign_sum: Tensor, batch: int) -> None:
        """Every four steps, move a strength by the sign of r_t - target [Karras 2020a, section 3.1]."""
        if int(self.steps) % 4 == 0:
            direction = torch.sign(sign_sum / 4 - self.settings.ada_target)
            moved = strength + direction * (batch * 4 / (self.settings.ada_kimg * 1000))
            strength.copy_(moved.clamp(0, self.settings.ada_maximum))
            sign_sum.zero_()

    def average_half_life(self, images_shown: int) -> float:
        """10 kimg at batch 32 [Karras 2018], shorter early on."""
        half_life = self.settings.average_kimg * 1000 * self.task.batch / 32
        ramp = self.settings.average_ramp
        return half_life if ramp == "none" else min(half_life, images_shown * ramp)


def style_widths(task: Task, settings: StyleAdversarySettings) -> dict[str, int]:
    """Arguments that give the networks their numbers of feature maps."""
    return {"width_base": _width_base(task, settings), "width_maximum": settings.width_maximum}


def _width_base(task: Task, settings: StyleAdversarySettings) -> int:
    return max(settings.width_base, settings.width_minimum * task.size)


def check_style_size(task: Task, settings: StyleAdversarySettings) -> None:
    """Whether the networks can be built.

    Raises:
        UserError: the size or the widths do not fit.
    """
    if task.size < 32 or task.size > 512 or task.size & (task.size - 1):
        raise UserError(
            f"style-based generators make images of 32, 64, 128, 256 or 512 pixels, not {task.size}: choose one with --size."
        )
    if _width_base(task, settings) < task.size:
        raise UserError(
            f"--set width_base={settings.width_base} leaves no feature map at {task.size} pixels: "
            f"it must be at least {task.size}."
        )
