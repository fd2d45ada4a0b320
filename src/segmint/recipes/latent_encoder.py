"""An encoder into the latent space (W+) of a frozen style-based generator: what its trainings share.

Perceptual distances are taken with features of the generator's own discriminator of images.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import torch
from pydantic import Field
from torch import Tensor

from segmint.networks.style_encoder import StyleEncoder
from segmint.networks.value_range import clip_to_range
from segmint.recipes.contract import Stage, Task, Update
from segmint.recipes.style_adversary import style_widths
from segmint.recipes.style_gan import StyleGANSettings, StyleGANStage

# Latents drawn to learn how far they spread.
DRAWN = 1024


class LatentEncoderSettings(StyleGANSettings):
    """Settings of the encoder and of its training on images; the defaults are those of semanticGAN's release."""

    # Thousands of images shown of each stream.
    encoder_kimg: float = Field(100.0, gt=0)
    encoder_rate: float = Field(0.002, gt=0)
    # Feature maps of the encoder's pyramid.
    pyramid_width: int = Field(128, ge=1)
    unlabelled_pixel_weight: float = Field(1.0, ge=0)
    unlabelled_perceptual_weight: float = Field(10.0, ge=0)


class LatentEncoderStage(Stage):
    """Encoder, its average and its optimiser, beside the stage whose generator draws what it finds."""

    name = "encoder"
    averaged = (("encoder_average", "encoder"),)

    def __init__(self, task: Task, settings: LatentEncoderSettings, images: StyleGANStage) -> None:
        super().__init__()
        self.task, self.settings, self.images = task, settings, (images,)
        self.stands_on = (images,)
        self.encoder = StyleEncoder(
            size=task.size,
            channels=task.image_channels,
            style_resolutions=images.generator.synthesis.noise_resolutions,
            style_size=settings.latent_size,
            pyramid_width=settings.pyramid_width,
            **style_widths(task, settings),
        )
        self.encoder_average = copy.deepcopy(self.encoder).requires_grad_(False)

    @classmethod
    def budget(cls, task: Task, settings: LatentEncoderSettings) -> Task:
        """The task with the encoder's budget."""
        steps = max(1, round(settings.encoder_kimg * 1000 / task.batch))
        return replace(task, total_images=steps * task.batch)

    def build_optimizers(self) -> None:
        """Adam."""
        rate = self.settings.encoder_rate
        self.optimizers = {"encoder": torch.optim.Adam(self.encoder.parameters(), lr=rate, fused=True)}

    def average_half_life(self, images_shown: int) -> float:
        """As the generator's, shorter early on."""
        return min(self.settings.average_kimg * 1000 * self.task.batch / 32, images_shown * 0.05)

    def training_noise(self, n: int, update: Update) -> list[Tensor]:
        """Unit normal noise for n images, of the training's own generator."""
        g = update.generator
        resolutions = self.images[0].generator_average.synthesis.noise_resolutions
        return [torch.randn(n, 1, r, r, generator=g, device=g.device) for r in resolutions]

    def fixed_noise(self, images: Tensor) -> list[Tensor]:
        """The same for every image."""
        generator = torch.Generator().manual_seed(0)
        drawn = self.images[0].generator_average.synthesis.draw_noise([generator], images.device)
        return [one.repeat(len(images), 1, 1, 1) for one in drawn]

    def offset(self, found: Tensor) -> Tensor:
        """Styles [N, style_count, style_size]: what the encoder gives is counted from the mean latent."""
        mean: Tensor = self.images[0].generator_average.mapping.mean_latent
        return mean + found

    def synthesised(self, styles: Tensor, noise: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Images, clipped with a gradient, and logits of label maps if the generator has them."""
        images, logits = self.images[0].generator_average(styles, noise)
        return clip_to_range(images), logits

    @torch.no_grad()
    def features(self, images: Tensor) -> list[Tensor]:
        """What the discriminator of images sees in them."""
        return self.images[0].discriminator.features(images)

    @torch.no_grad()
    def spread(self, device: torch.device) -> Tensor:
        """Standard deviation of each entry of w, [style_size]."""
        z = torch.randn(DRAWN, self.settings.latent_size, generator=torch.Generator().manual_seed(0)).to(device)
        found: Tensor = self.images[0].generator_average.mapping(z).std(dim=0)
        return found
