"""A generator of pairs as a segmenter: encode an image, optimise its latent, read the mask off the branch [Li 2021, section 3.3].

The generator is frozen. Perceptual distances are taken with features of its own discriminator of images.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from segmint.losses.noise_regularisation import noise_correlation, standardise
from segmint.losses.perceptual import feature_distance
from segmint.networks.style_encoder import StyleEncoder
from segmint.networks.value_range import clip_to_range
from segmint.recipes.branched_gan import BranchedSettings
from segmint.recipes.contract import Batch, ReconstructingStage, Task, Update
from segmint.recipes.latent_schedule import perturbation_factor, rate_factor
from segmint.recipes.mask_channels import softmax_masks
from segmint.recipes.style_adversary import style_widths
from segmint.recipes.style_gan import StyleGANStage

# Latents drawn to learn how far they spread.
DRAWN = 1024


class EncoderSettings(BranchedSettings):
    """Settings of the encoder's training and of the inference; the defaults are those of the release."""

    # Thousands of images shown of each stream.
    encoder_kimg: float = Field(100.0, gt=0)
    encoder_rate: float = Field(0.002, gt=0)
    # Feature maps of the encoder's pyramid.
    pyramid_width: int = Field(128, ge=1)
    cross_entropy_weight: float = Field(1.0, ge=0)
    dice_weight: float = Field(1.0, ge=0)
    labelled_pixel_weight: float = Field(1.0, ge=0)
    labelled_perceptual_weight: float = Field(10.0, ge=0)
    unlabelled_pixel_weight: float = Field(1.0, ge=0)
    unlabelled_perceptual_weight: float = Field(10.0, ge=0)
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


class EncoderStage(ReconstructingStage):
    """Trains the encoder on labelled pairs and on images of all training subjects, through the frozen generator."""

    name = "encoder"
    streams = ("labelled", "unlabelled")
    averaged = (("encoder_average", "encoder"),)

    def __init__(self, task: Task, settings: EncoderSettings, pairs: StyleGANStage) -> None:
        super().__init__()
        from monai.losses.dice import DiceLoss

        self.task, self.settings, self.pairs = task, settings, (pairs,)
        self.stands_on = (pairs,)
        self.encoder = StyleEncoder(
            size=task.size,
            channels=task.image_channels,
            style_resolutions=pairs.generator.synthesis.noise_resolutions,
            style_size=settings.latent_size,
            pyramid_width=settings.pyramid_width,
            **style_widths(task, settings),
        )
        self.encoder_average = copy.deepcopy(self.encoder).requires_grad_(False)
        # Over the whole batch: most slices lack most labels.
        self.dice = DiceLoss(include_background=False, to_onehot_y=True, batch=True)

    @classmethod
    def budget(cls, task: Task, settings: EncoderSettings) -> Task:
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

    # -- one step ----------------------------------------------------------------------------------------------------

    def step(self, batches: Mapping[str, Batch], update: Update) -> dict[str, dict[str, Tensor]]:
        """One step on as many labelled pairs as images without labels."""
        labelled, images = batches["labelled"], batches["unlabelled"].images
        n, settings = len(labelled.images), self.settings
        both = torch.cat([labelled.images, images])
        with update.autocast():
            styles = self._offset(self.encoder(both))
            made, logits = self._synthesised(styles, self._training_noise(len(both), update))
            targets = self._features(both)
            found = self.pairs[0].discriminator.features(made)
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

    def _training_noise(self, n: int, update: Update) -> list[Tensor]:
        g = update.generator
        resolutions = self.pairs[0].generator_average.synthesis.noise_resolutions
        return [torch.randn(n, 1, r, r, generator=g, device=g.device) for r in resolutions]

    def _offset(self, found: Tensor) -> Tensor:
        """What the encoder gives is counted from the mean latent."""
        mean: Tensor = self.pairs[0].generator_average.mapping.mean_latent
        return mean + found

    def _synthesised(self, styles: Tensor, noise: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        images, logits = self.pairs[0].generator_average(styles, noise)
        return clip_to_range(images), logits

    @torch.no_grad()
    def _features(self, images: Tensor) -> list[Tensor]:
        return self.pairs[0].discriminator.features(images)

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
        return self._read(self._offset(self.encoder_average(images)), self._fixed_noise(images))

    def _read(self, styles: Tensor, noise: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        made, logits = self._synthesised(styles, noise)
        return made, softmax_masks(logits, [self.task.label_count])

    def _fixed_noise(self, images: Tensor) -> list[Tensor]:
        """The same for every image."""
        generator = torch.Generator().manual_seed(0)
        drawn = self.pairs[0].generator_average.synthesis.draw_noise([generator], images.device)
        return [one.repeat(len(images), 1, 1, 1) for one in drawn]

    def _spread(self, device: torch.device) -> Tensor:
        z = torch.randn(DRAWN, self.settings.latent_size, generator=torch.Generator().manual_seed(0)).to(device)
        spread: Tensor = self.pairs[0].generator_average.mapping(z).std(dim=0)
        return spread

    @torch.no_grad()
    def optimised(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Styles [N, style_count, style_size] and noise maps that reconstruct the images, from the encoder's on."""
        start, noise = self._offset(self.encoder_average(images)), self._fixed_noise(images)
        settings = self.settings
        if not settings.inference_steps:
            return start, noise
        mean, spread = self.pairs[0].generator_average.mapping.mean_latent, self._spread(images.device)
        targets = self._features(images)
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
                made, _ = self._synthesised(latents + strength * spread * drawn, noise)
                loss = (
                    settings.inference_perceptual_weight
                    * feature_distance(self.pairs[0].discriminator.features(made), targets)
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
