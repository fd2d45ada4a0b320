"""StyleGAN2 of image channels and label maps, either of which may be absent: the stage that several recipes share."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat
from torch import Tensor
from torch.nn import functional as F

from segmint.errors import UserError
from segmint.losses.adversarial import (
    discriminator_logistic,
    discriminator_relativistic,
    generator_logistic,
    generator_relativistic,
)
from segmint.losses.gradient_penalty import r1_penalty
from segmint.losses.path_length import path_length_penalty, path_lengths
from segmint.networks.mask_branch import BranchedStyleGenerator
from segmint.networks.paired_augmentation import apply_augmentation, draw_augmentation
from segmint.networks.style_discriminator import StyleDiscriminator
from segmint.networks.style_generator import StyleGenerator
from segmint.networks.value_range import clip_to_range
from segmint.recipes.contract import Batch, RecipeSettings, Stage, Task, Update
from segmint.recipes.mask_channels import hard_masks, one_hot_masks, softmax_masks

CAPACITIES: dict[str, dict[str, int]] = {
    "full": {},
    "small": {"latent_size": 128, "width_base": 1024, "width_maximum": 128, "width_minimum": 16},
}
LabelTarget = Literal["one-hot", "smoothed", "straight-through"]


class StyleGANSettings(RecipeSettings):
    """Settings; the defaults are the published ones (source silent: [Karras 2020])."""

    latent_size: int = Field(512, ge=1)
    width_base: int = Field(32768, ge=64)
    width_maximum: int = Field(512, ge=4)
    # Feature maps left at the output's resolution; where the base leaves fewer, it is raised.
    width_minimum: int = Field(0, ge=0)
    learning_rate: float = Field(0.002, gt=0)
    adversarial_loss: Literal["logistic", "relativistic"] = "logistic"
    # Whether the gradient penalty is taken at fakes too (R2), which the relativistic loss needs [Huang 2024, section 2].
    penalise_fakes: bool = False
    # "auto" is 0.0002 size^2 / batch [Karras 2020a, appendix C].
    r1_gamma: NonNegativeFloat | Literal["auto"] = 10.0
    r1_every: int = Field(16, ge=1)
    path_length_weight: float = Field(2.0, ge=0)
    path_length_every: int = Field(4, ge=1)
    # The batch is halved for this term alone, as in [Karras 2020, appendix B].
    path_length_shrink: int = Field(2, ge=1)
    style_mixing: float = Field(0.9, ge=0, le=1)
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


class StyleGANStage(Stage):
    """Generator and discriminator of `image_channels` channels and of the one-hot maps of masks with `mask_counts` ids.

    Args:
        branched: label maps come from a branch of their own, and the discriminator judges images alone.
    """

    averaged = (("generator_average", "generator"),)
    path_mean: Tensor
    augmentation_strength: Tensor
    sign_sum: Tensor
    steps: Tensor

    def __init__(
        self,
        task: Task,
        settings: StyleGANSettings,
        *,
        image_channels: int,
        mask_counts: Sequence[int],
        branched: bool = False,
    ) -> None:
        super().__init__()
        self.task, self.settings = task, settings
        self.image_channels, self.mask_counts = image_channels, tuple(mask_counts)
        self.r1_gamma = 0.0002 * task.size**2 / task.batch if settings.r1_gamma == "auto" else settings.r1_gamma
        widths = style_widths(task, settings)
        self.generator = (BranchedStyleGenerator if branched else StyleGenerator)(
            size=task.size,
            image_channels=image_channels,
            label_maps=sum(mask_counts),
            latent_size=settings.latent_size,
            style_size=settings.latent_size,
            **widths,
        )
        judged = image_channels if branched else image_channels + sum(mask_counts)
        self.discriminator = StyleDiscriminator(size=task.size, channels=judged, **widths)
        self.generator_average = copy.deepcopy(self.generator).requires_grad_(False)
        self.register_buffer("path_mean", torch.zeros(()))
        self.register_buffer("augmentation_strength", torch.zeros(()))
        self.register_buffer("sign_sum", torch.zeros(()))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.register_buffer("smoothing", smoothing_kernel(settings.label_smoothing), persistent=False)

    def build_optimizers(self) -> None:
        """Adam with betas (0, 0.99); lazy regularisation rescales both [Karras 2020, section 3.1]."""
        intervals = {
            "generator": self.settings.path_length_every if self.settings.path_length_weight else 0,
            "discriminator": self.settings.r1_every if self.r1_gamma else 0,
        }
        self.optimizers = {network: self._lazy_adam(network, interval) for network, interval in intervals.items()}

    def _lazy_adam(self, network: str, interval: int) -> torch.optim.Optimizer:
        c = interval / (interval + 1) if interval else 1.0
        return torch.optim.Adam(
            getattr(self, network).parameters(),
            lr=self.settings.learning_rate * c,
            betas=(0.0, 0.99**c),
            eps=1e-8,
            fused=True,
        )

    # -- what the discriminator sees ---------------------------------------------------------------------------------

    def real_pairs(self, batch: Batch) -> Tensor:
        """Images and one-hot maps [N, C + K, S, S] as the discriminator sees reals."""
        maps = one_hot_masks(batch.masks[:, : len(self.mask_counts)], self.mask_counts)
        if self.mask_counts and self.settings.label_target == "smoothed" and self.settings.label_smoothing > 0:
            maps = self._smooth(maps)
        return torch.cat([batch.images[:, : self.image_channels], self._to_range(maps)], dim=1)

    def fake_pairs(self, images: Tensor, logits: Tensor) -> Tensor:
        """Images and label maps [N, C + K, S, S] as the discriminator sees fakes."""
        maps = softmax_masks(logits, self.mask_counts)
        if self.settings.label_target == "straight-through":
            hard = one_hot_masks(hard_masks(maps, self.mask_counts), self.mask_counts)
            maps = hard + maps - maps.detach()
        return torch.cat([images, self._to_range(maps)], dim=1)

    def judged_reals(self, batch: Batch) -> Tensor:
        """What of reals the discriminator judges."""
        return self.real_pairs(batch)

    def judged_fakes(self, images: Tensor, logits: Tensor) -> Tensor:
        """What of fakes the discriminator judges."""
        return self.fake_pairs(images, logits)

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

    # -- one step ----------------------------------------------------------------------------------------------------

    def step(self, batches: Mapping[str, Batch], update: Update) -> dict[str, dict[str, Tensor]]:
        """Generator, lazy path length, discriminator, lazy R1, and the augmentation's strength, in this order."""
        reals = self.judged_reals(self._mirrored(batches[self.streams[0]], update))
        generator = self._generator_turn(reals, update)
        with update.autocast(), torch.no_grad():
            fakes = self.judged_fakes(*self._generated(len(reals), update)[:2])
        discriminator = self._discriminator_turn(reals, fakes, update)
        self.steps += 1
        if self.settings.augmentation == "ada":
            self._adapt(self.augmentation_strength, self.sign_sum, len(reals))
        return {"generator": generator, "discriminator": discriminator}

    def _generator_turn(self, reals: Tensor, update: Update) -> dict[str, Tensor]:
        self.discriminator.requires_grad_(False)
        with update.autocast():
            images, logits, _ = self._generated(len(reals), update, track=True)
            loss = self._generator_loss(reals, self.judged_fakes(images, logits), update)
        update("generator", loss)
        logged = {"adversarial": loss.detach(), **self._lazy_path_length(len(reals), update)}
        self.discriminator.requires_grad_(True)
        return logged

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

    def _generated(self, n: int, update: Update, *, track: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """Images and label logits as they are judged, and the styles they were made from."""
        styles = self._training_styles(n, update, track=track)
        images, logits = self._synthesised(styles, self._training_noise(n, update))
        return clip_to_range(images) if self.settings.clip_fakes else images, logits, styles

    def _synthesised(self, styles: Tensor, noise: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        images, logits = self.generator(styles, noise)
        return images, logits

    def _training_noise(self, n: int, update: Update) -> list[Tensor]:
        return [
            torch.randn(n, 1, r, r, generator=update.generator, device=update.generator.device).to(
                self.path_mean.device
            )
            for r in self.generator.synthesis.noise_resolutions
        ]

    def _training_styles(self, n: int, update: Update, *, track: bool) -> Tensor:
        def normal() -> Tensor:
            g = update.generator
            return torch.randn(n, self.settings.latent_size, generator=g, device=g.device).to(self.path_mean.device)

        layers = self.generator.synthesis.style_count
        z, other = normal(), normal()
        uniform = torch.rand(2, n, generator=update.generator, device=update.generator.device).to(z.device)
        cutoff = (1 + uniform[0] * (layers - 1)).long()
        cutoff = torch.where(uniform[1] < self.settings.style_mixing, cutoff, layers)
        with torch.autocast(z.device.type, enabled=False):
            if track:
                self.generator.mapping.track_mean(self.generator.mapping(z))
            return self.generator.mixed_styles(z, other, cutoff)

    def _lazy_path_length(self, n: int, update: Update) -> dict[str, Tensor]:
        """Every so many steps; what to log."""
        if not self.settings.path_length_weight or int(self.steps) % self.settings.path_length_every:
            return {}
        n = max(1, n // self.settings.path_length_shrink)
        styles = self._training_styles(n, update, track=False)
        images, logits = self.generator(styles, self._training_noise(n, update))
        output = self.judged_fakes(images, logits)
        g = update.generator
        noise = torch.randn(output.shape, generator=g, device=g.device).to(output.device)
        penalty, mean = path_length_penalty(path_lengths(output, styles, noise), self.path_mean)
        self.path_mean.copy_(mean)
        update("generator", penalty * (self.settings.path_length_weight * self.settings.path_length_every))
        return {"path_length": penalty.detach()}

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

    # -- sampling ----------------------------------------------------------------------------------------------------

    def drawn_styles(self, generators: Sequence[torch.Generator], *, truncation: float) -> tuple[Tensor, list[Tensor]]:
        """Styles and noise of the averaged generator; those of sample i come from generator i alone."""
        device, network = self.path_mean.device, self.generator_average
        z = torch.stack([torch.randn(self.settings.latent_size, generator=g) for g in generators]).to(device)
        return network.styles(z, truncation=truncation), network.synthesis.draw_noise(generators, device)

    @torch.no_grad()
    def draw_maps(self, generators: Sequence[torch.Generator], truncation: float) -> tuple[Tensor, Tensor]:
        """Images in [-1, 1] and map probabilities of the averaged generator; those of sample i come from generator i alone."""
        images, logits = self.generator_average(*self.drawn_styles(generators, truncation=truncation))
        return images.clamp(-1, 1), softmax_masks(logits, self.mask_counts)


def style_widths(task: Task, settings: StyleGANSettings) -> dict[str, int]:
    """Arguments that give the networks their numbers of feature maps."""
    return {"width_base": _width_base(task, settings), "width_maximum": settings.width_maximum}


def _width_base(task: Task, settings: StyleGANSettings) -> int:
    return max(settings.width_base, settings.width_minimum * task.size)


def check_style_size(task: Task, settings: StyleGANSettings) -> None:
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
