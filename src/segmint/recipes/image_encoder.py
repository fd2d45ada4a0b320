"""Encoder that learns, without labels, to find an image in the latent space: where inversions begin [Ling 2021, section 3.1]."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from segmint.losses.perceptual import feature_distance
from segmint.recipes.contract import Batch, ImageReconstructingStage, Update
from segmint.recipes.latent_encoder import LatentEncoderSettings, LatentEncoderStage


class ImageEncoderSettings(LatentEncoderSettings):
    """Settings of the encoder's training on images alone."""

    encoder_kimg: float = Field(8.0, gt=0)
    # Of drawn images, whose styles are known: squared error of the styles, in units of their spread.
    encoder_style_weight: float = Field(1.0, ge=0)


class ImageEncoderStage(LatentEncoderStage, ImageReconstructingStage):
    """Trains the encoder to reconstruct images of all training subjects, and to find the styles of images that it draws itself."""

    streams = ("unlabelled",)
    shaped_by = frozenset(ImageEncoderSettings.model_fields)
    settings: ImageEncoderSettings

    def step(self, batches: Mapping[str, Batch], update: Update) -> dict[str, dict[str, Tensor]]:
        """One step on as many real images as drawn ones."""
        reals, settings = batches["unlabelled"].images, self.settings
        n, g = len(reals), update.generator
        with torch.no_grad():
            network = self.images[0].generator_average
            z = torch.randn(n, settings.latent_size, generator=g, device=g.device)
            styles = network.styles(z.to(reals.device))
            drawn, _ = self.synthesised(styles, self.training_noise(n, update))
            spread = self.spread(reals.device)
        with update.autocast():
            found = self.offset(self.encoder(torch.cat([reals, drawn])))
            made, _ = self.synthesised(found[:n], self.training_noise(n, update))
            perceptual = feature_distance(self.images[0].discriminator.features(made), self.features(reals))
        pixels = F.mse_loss(made, reals)
        style = ((found[n:] - styles) / spread).square().mean()
        loss = (
            settings.unlabelled_pixel_weight * pixels
            + settings.unlabelled_perceptual_weight * perceptual
            + settings.encoder_style_weight * style
        )
        update("encoder", loss)
        logged = {"pixels": pixels, "perceptual": perceptual, "styles": style}
        return {"encoder": {name: value.detach() for name, value in logged.items()}}

    @torch.no_grad()
    def encoded(self, images: Tensor) -> Tensor:
        """Styles [N, style_count, style_size] that the averaged encoder finds."""
        return self.offset(self.encoder_average(images))

    @torch.no_grad()
    def reconstructed_images(self, images: Tensor) -> Tensor:
        """What the generator draws at the styles found."""
        return self.synthesised(self.encoded(images), self.fixed_noise(images))[0]
