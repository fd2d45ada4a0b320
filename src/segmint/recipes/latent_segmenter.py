"""A generator of pairs as a segmenter: encode an image, optimise its latent, read the mask off the branch [Li 2021, section 3.3].

The generator is frozen. Perceptual distances are taken with features of its own discriminator of images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from segmint.losses.noise_regularisation import noise_correlation, standardise
from segmint.losses.perceptual import feature_distance
from segmint.recipes.branched_gan import BranchedSettings
from segmint.recipes.contract import Batch, ReconstructingStage, Task, Update
from segmint.recipes.latent_encoder import LatentEncoderSettings, LatentEncoderStage
from segmint.recipes.latent_schedule import perturbation_factor, rate_factor
from segmint.recipes.mask_channels import softmax_masks
from segmint.recipes.style_gan import StyleGANStage


class EncoderSettings(BranchedSettings, LatentEncoderSettings):
    """Settings of the encoder's training and of the inference; the defaults are those of the release."""

    cross_entropy_weight: float = Field(1.0, ge=0)
    dice_weight: float = Field(1.0, ge=0)
    labelled_pixel_weight: float = Field(1.0, ge=0)
    labelled_perceptual_weight: float = Field(10.0, ge=0)
    # Steps of the latent's optimisation; 0 leaves what the encoder says. The release takes 100 to 500.
    inference_steps: int = Field(500, ge=0)
    inference_rate: float = Field(0.1, gt=0)
    inference_perceptual_weight: float = Field(1.0, ge=0)
    inference_pixel_weight: float = Field(0.1, ge=0)
    inference_mean_weight: float = Field(0.01, ge=0)
    inference_encoder_weight: float = Field(0.001, ge=0)
    # Noise added to the latent, of its spread.
    inference_perturbation: float = Field(0.05, ge=0)
    inference_noise_weight: float = Field(100.0, ge=0)


class EncoderStage(LatentEncoderStage, ReconstructingStage):
    """Trains the encoder on labelled pairs and on images of all training subjects, through the frozen generator."""

    streams = ("labelled", "unlabelled")
    settings: EncoderSettings

    def __init__(self, task: Task, settings: EncoderSettings, pairs: StyleGANStage) -> None:
        super().__init__(task, settings, pairs)
        from monai.losses.dice import DiceLoss

        # Over the whole batch: most slices lack most labels.
        self.dice = DiceLoss(include_background=False, to_onehot_y=True, batch=True)

    # -- one step ----------------------------------------------------------------------------------------------------

    def step(self, batches: Mapping[str, Batch], update: Update) -> dict[str, dict[str, Tensor]]:
        """One step on as many labelled pairs as images without labels."""
        labelled, images = batches["labelled"], batches["unlabelled"].images
        n, settings = len(labelled.images), self.settings
        both = torch.cat([labelled.images, images])
        with update.autocast():
            styles = self.offset(self.encoder(both))
            made, logits = self.synthesised(styles, self.training_noise(len(both), update))
            targets = self.features(both)
            found = self.images[0].discriminator.features(made)
            perceptual = [
                feature_distance([one[part] for one in found], [one[part] for one in targets])
                for part in (slice(0, n), slice(n, None))
            ]
        pixels = [F.mse_loss(made[part], both[part]) for part in (slice(0, n), slice(n, None))]
        entropy = F.cross_entropy(logits[:n].float(), labelled.labels)
        dice: Tensor = self.dice(logits[:n].float().softmax(dim=1), labelled.labels[:, None])
        loss = (
            settings.cross_entropy_weight * entropy
            + settings.dice_weight * dice
            + settings.labelled_pixel_weight * pixels[0]
            + settings.labelled_perceptual_weight * perceptual[0]
            + settings.unlabelled_pixel_weight * pixels[1]
            + settings.unlabelled_perceptual_weight * perceptual[1]
        )
        update("encoder", loss)
        logged = {"cross_entropy": entropy, "dice": dice, "labelled_pixels": pixels[0], "pixels": pixels[1]}
        logged |= {"labelled_perceptual": perceptual[0], "perceptual": perceptual[1]}
        return {"encoder": {name: value.detach() for name, value in logged.items()}}

    # -- segmenting --------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> Tensor:
        """Of the mask branch at the optimised latent; what is found for an image does not depend on the others."""
        return self._read(*self.optimised(images))[1]

    @torch.no_grad()
    def draft(self, images: Tensor) -> Tensor:
        """Of the mask branch at the encoder's latent."""
        return self.reconstructed(images)[1]

    @torch.no_grad()
    def reconstructed(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """At the encoder's latent."""
        return self._read(self.offset(self.encoder_average(images)), self.fixed_noise(images))

    def _read(self, styles: Tensor, noise: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        made, logits = self.synthesised(styles, noise)
        return made, softmax_masks(logits, [self.task.label_count])

    @torch.no_grad()
    def optimised(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Styles [N, style_count, style_size] and noise maps that reconstruct the images, from the encoder's on."""
        start, noise = self.offset(self.encoder_average(images)), self.fixed_noise(images)
        settings = self.settings
        if not settings.inference_steps:
            return start, noise
        mean, spread = self.images[0].generator_average.mapping.mean_latent, self.spread(images.device)
        targets = self.features(images)
        latents = start.clone().requires_grad_(True)
        noise = [one.requires_grad_(True) for one in noise]
        optimizer = torch.optim.Adam([latents, *noise], lr=settings.inference_rate, fused=True)
        generator = torch.Generator().manual_seed(0)
        for step in range(settings.inference_steps):
            share = step / settings.inference_steps
            for group in optimizer.param_groups:
                group["lr"] = settings.inference_rate * rate_factor(share)
            # The same perturbation for every image, so that none depends on its neighbours.
            drawn = torch.randn(1, *latents.shape[1:], generator=generator).to(images.device)
            strength = settings.inference_perturbation * perturbation_factor(share)
            with torch.enable_grad():
                made, _ = self.synthesised(latents + strength * spread * drawn, noise)
                loss = (
                    settings.inference_perceptual_weight
                    * feature_distance(self.images[0].discriminator.features(made), targets)
                    + settings.inference_pixel_weight * F.mse_loss(made, images)
                    + settings.inference_mean_weight * (latents - mean).square().mean()
                    + settings.inference_encoder_weight * (latents - start).square().mean()
                )
                # Means are over the images: each image's gradient is to be as if it were alone.
                loss = loss * len(images) + settings.inference_noise_weight * noise_correlation(noise).sum()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            standardise(noise)
        return latents.detach(), [one.detach() for one in noise]
