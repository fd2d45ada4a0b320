"""StyleGAN2 with a mask branch, and two discriminators: one of images, one of images with their masks [Li 2021, section 3]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from segmint.losses.adversarial_patch import discriminator_adversarial, generator_adversarial
from segmint.losses.feature_matching import feature_matching
from segmint.losses.gradient_penalty import r1_penalty
from segmint.networks.mask_branch import BranchedStyleGenerator
from segmint.networks.multi_scale_discriminator import MultiScaleDiscriminator
from segmint.networks.patch_discriminator import WIDTHS
from segmint.recipes.contract import Batch, PairStage, Task, Update
from segmint.recipes.style_gan import StyleGANSettings, StyleGANStage

Judgements = Sequence[tuple[Tensor, list[Tensor]]]


class BranchedSettings(StyleGANSettings):
    """Settings of the generator and of both discriminators."""

    # Scales of the discriminator of pairs, each on half the size of the one before; factor on its published widths.
    mask_scales: int = Field(3, ge=1)
    mask_width: float = Field(1.0, gt=0)
    # Spectral normalisation of that discriminator, in the place of instance normalisation.
    mask_spectral: bool = False
    mask_adversarial_weight: float = Field(1.0, ge=0)
    feature_matching_weight: float = Field(2.0, ge=0)
    # What of a real and a fake pair, which show different things, is matched: features pixel by pixel, or their means over
    # the batch [Salimans 2016, section 3.1].
    matched_features: Literal["each", "mean"] = "each"
    # How far the gradient of the discriminator of pairs goes, which never reaches the image: through the mask branch into
    # the trunk that both branches share, or no further than the mask branch.
    mask_gradient: Literal["trunk", "branch"] = "trunk"


class BranchedStage(StyleGANStage, PairStage):
    """D_r judges images of all training subjects; D_m judges labelled pairs, over patches at several scales.

    The gradient of D_m ends at the image: it has none in the to-image layers. Into the trunk and the mapping network, which
    both branches stand on, it comes by the masks alone (`mask_gradient` "trunk"), or not at all ("branch"): then all that an
    image depends on is trained by D_r alone.
    """

    name = "pairs"
    streams = ("unlabelled", "labelled")
    settings: BranchedSettings
    generator: BranchedStyleGenerator
    mask_augmentation_strength: Tensor
    mask_sign_sum: Tensor

    def __init__(self, task: Task, settings: BranchedSettings) -> None:
        super().__init__(
            task, settings, image_channels=task.image_channels, mask_counts=[task.label_count], branched=True
        )
        strides = patch_strides(task.size, settings.mask_scales)
        self.mask_discriminator = MultiScaleDiscriminator(
            channels=task.image_channels + task.label_count,
            scales=settings.mask_scales,
            widths=WIDTHS[: len(strides)],
            strides=strides,
            width=settings.mask_width,
            norm="none" if settings.mask_spectral else "instance",
            spectral=settings.mask_spectral,
        )
        # Labelled subjects are fewer than all: each discriminator has an augmentation of its own.
        self.register_buffer("mask_augmentation_strength", torch.zeros(()))
        self.register_buffer("mask_sign_sum", torch.zeros(()))

    def build_optimizers(self) -> None:
        """As in `StyleGANStage`; both discriminators alike."""
        super().build_optimizers()
        interval = self.settings.r1_every if self.r1_gamma else 0
        self.optimizers["mask_discriminator"] = self._lazy_adam("mask_discriminator", interval)

    def judged_reals(self, batch: Batch) -> Tensor:
        """D_r sees images alone."""
        return batch.images

    def judged_fakes(self, images: Tensor, logits: Tensor) -> Tensor:  # noqa: ARG002
        """D_r sees images alone."""
        return images

    # -- one step ----------------------------------------------------------------------------------------------------

    def step(self, batches: Mapping[str, Batch], update: Update) -> dict[str, dict[str, Tensor]]:
        """Generator against both, lazy path length, D_r and D_m on the same fakes, each with its lazy R1."""
        self._set_learning_rates(update.images_shown)
        reals = self.judged_reals(self._mirrored(batches["unlabelled"], update))
        pairs = self.real_pairs(self._mirrored(batches["labelled"], update))
        logged = {"generator": self._both_turn(reals, pairs, update)}
        with update.autocast(), torch.no_grad():
            images, logits, _ = self._generated(len(reals), update)
            fake_pairs = self.fake_pairs(images, logits)
        logged["discriminator"] = self._discriminator_turn(reals, images, update)
        logged["mask_discriminator"] = self._mask_turn(pairs, fake_pairs, update)
        self.steps += 1
        if self.settings.augmentation == "ada":
            self._adapt(self.augmentation_strength, self.sign_sum, len(reals))
            self._adapt(self.mask_augmentation_strength, self.mask_sign_sum, len(pairs))
        return logged

    def _synthesised(self, styles: Tensor, noise: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """With label logits whose gradient goes as far as it may; in training D_m alone gives them one."""
        images, logits = self.generator(styles, noise, cut_masks=self.settings.mask_gradient == "branch")
        return images, logits

    def _both_turn(self, reals: Tensor, pairs: Tensor, update: Update) -> dict[str, Tensor]:
        self.discriminator.requires_grad_(False)
        with update.autocast():
            images, logits, _ = self._generated(len(reals), update, track=True)
            adversarial = self._generator_loss(reals, images, update)
        of_masks = self.mask_losses(pairs, images, logits, update)
        loss = (
            adversarial
            + self.settings.mask_adversarial_weight * of_masks["mask_adversarial"]
            + self.settings.feature_matching_weight * of_masks["feature_matching"]
        )
        update("generator", loss)
        logged = {"adversarial": adversarial.detach(), **{name: value.detach() for name, value in of_masks.items()}}
        logged |= self._lazy_path_length(len(reals), update)
        self.discriminator.requires_grad_(True)
        return logged

    def mask_losses(self, pairs: Tensor, images: Tensor, logits: Tensor, update: Update) -> dict[str, Tensor]:
        """What D_m tells the generator of its label logits, given the images it made with them; images get no gradient."""
        self.mask_discriminator.requires_grad_(False)
        with update.autocast():
            of_fakes = self._mask_judgements(self.fake_pairs(images.detach(), logits), update)
            with torch.no_grad():
                of_reals = self._mask_judgements(pairs, update)
            adversarial = torch.stack([generator_adversarial("hinge", fake) for fake, _ in of_fakes]).mean()
        matching = [
            feature_matching(self._matched(real), self._matched(fake))
            for (_, real), (_, fake) in zip(of_reals, of_fakes, strict=True)
        ]
        self.mask_discriminator.requires_grad_(True)
        return {"mask_adversarial": adversarial, "feature_matching": torch.stack(matching).mean()}

    def _matched(self, features: Sequence[Tensor]) -> Sequence[Tensor]:
        if self.settings.matched_features == "each":
            return features
        return [one.float().mean(dim=0) for one in features]

    def _mask_turn(self, pairs: Tensor, fakes: Tensor, update: Update) -> dict[str, Tensor]:
        with update.autocast():
            of_fakes = self._mask_judgements(fakes, update)
            of_reals = self._mask_judgements(pairs, update)
            terms = [
                discriminator_adversarial("hinge", real, fake)
                for (real, _), (fake, _) in zip(of_reals, of_fakes, strict=True)
            ]
            loss = torch.stack(terms).mean()
        update("mask_discriminator", loss)
        real_logits, fake_logits = _by_sample(of_reals).detach(), _by_sample(of_fakes).detach()
        logged = {
            "adversarial": loss.detach(),
            "real_logit": real_logits.mean(),
            "fake_logit": fake_logits.mean(),
        }
        if self.r1_gamma and int(self.steps) % self.settings.r1_every == 0:
            seen = self._augmented(pairs, update, strength=self.mask_augmentation_strength)
            seen = seen.detach().requires_grad_(True)
            penalty = r1_penalty(_by_sample(self.mask_discriminator(seen)), seen)
            update("mask_discriminator", penalty * (self.r1_gamma / 2 * self.settings.r1_every))
            logged["r1"] = penalty.detach()
        self.mask_sign_sum += torch.stack([real.detach().sign().mean() for real, _ in of_reals]).mean()
        return logged

    def _mask_judgements(self, pairs: Tensor, update: Update) -> Judgements:
        judgements: Judgements = self.mask_discriminator(
            self._augmented(pairs, update, strength=self.mask_augmentation_strength)
        )
        return judgements

    # -- sampling ----------------------------------------------------------------------------------------------------

    def draw(self, generators: Sequence[torch.Generator], *, truncation: float = 1.0) -> tuple[Tensor, Tensor]:
        """Pairs of the averaged generator; latent and noise of pair i come from generator i alone."""
        return self.draw_maps(generators, truncation)


def _by_sample(judgements: Judgements) -> Tensor:
    """One logit a sample [N]: the mean over patches, then over scales."""
    return torch.stack([logits.mean(dim=(1, 2, 3)) for logits, _ in judgements]).mean(dim=0)


def patch_strides(size: int, scales: int) -> tuple[int, ...]:
    """Strides of the discriminator of pairs: the published 2, 2, 2, 1 where the smallest scale has room for them, else fewer.

    Raises:
        ValueError: the smallest scale has no room for one halving.
    """
    smallest = size // 2 ** (scales - 1)
    for halvings in range(3, 0, -1):
        side = smallest >> halvings
        # The block of stride 1 and the last convolution each take one pixel.
        if side - 2 >= 1:
            return (*[2] * halvings, 1)
    raise ValueError(f"{size} pixels are too few for {scales} scales")
