"""Masks to images by a style-based generator: style and noise for what masks leave open, and a discriminator of pairs.

Where most of an image is one label, a network that is told to come near to the one real image of a mask (L1, as in
pix2pix) can only paint an average there. This one is told nothing of that image: the discriminator judges image and masks
together, against real pairs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from pydantic import Field
from torch import Tensor

from segmint.networks.mask_reader import MaskReader
from segmint.networks.painting_generator import PaintingStyleGenerator
from segmint.networks.value_range import clip_to_range
from segmint.recipes.contract import Batch, Stage, Task, TranslatorStage, Update
from segmint.recipes.mask_channels import one_hot_masks, padded_to
from segmint.recipes.mask_reading import reader_optimizer, reader_turn, reading_loss
from segmint.recipes.style_adversary import StyleAdversarySettings, StyleAdversaryStage, check_style_size, style_widths


class StylePainterSettings(StyleAdversarySettings):
    """Settings of the generator, the discriminator of pairs, and the reader."""

    # Cross-entropy and Dice between the masks and what a segmenter, trained alongside on real pairs, reads in the fakes.
    reading_weight: float = Field(1.0, ge=0)
    # The share of the budget over which that weight falls to nothing; 0 keeps it. What is easily read is plainer than what is
    # real: without it lesions come out less bright, and teach a segmenter less (docs/results).
    reading_until: float = Field(0.0, ge=0, le=1)


# What makes the joint generator learn from little in little time does so here too [recipes/joint_stylegan2.py].
STYLE_PAINTER = StylePainterSettings(
    r1_gamma="auto",
    learning_rate=0.004,
    adversarial_loss="relativistic",
    penalise_fakes=True,
    average_ramp=0.02,
    mirror="none",
    augmentation="ada",
    ada_kimg=25.0,
    label_target="smoothed",
    label_range="symmetric",
    clip_fakes=True,
)


class StylePaintingStage(StyleAdversaryStage, TranslatorStage):
    """Generator of images for masks, against a discriminator of images with their masks."""

    name = "images"
    settings: StylePainterSettings
    generator: PaintingStyleGenerator
    generator_average: PaintingStyleGenerator

    def __init__(self, task: Task, settings: StylePainterSettings) -> None:
        generator = PaintingStyleGenerator(
            size=task.size,
            image_channels=task.image_channels,
            label_maps=sum(task.mask_counts),
            latent_size=settings.latent_size,
            style_size=settings.latent_size,
            **style_widths(task, settings),
        )
        super().__init__(task, settings, generator, image_channels=task.image_channels, mask_counts=task.mask_counts)
        self.reader = MaskReader(task.image_channels, task.mask_counts, task.size) if settings.reading_weight else None

    def build_optimizers(self) -> None:
        """As in `StyleAdversaryStage`; AdamW for the reader."""
        super().build_optimizers()
        if self.reader is not None:
            self.optimizers["reader"] = reader_optimizer(self.reader)

    # -- one step ----------------------------------------------------------------------------------------------------

    def step(self, batches: Mapping[str, Batch], update: Update) -> dict[str, dict[str, Tensor]]:
        """Reader, generator, discriminator with its lazy penalties, and the augmentation's strength, in this order."""
        self._set_learning_rates(update.images_shown)
        batch = self._mirrored(batches["labelled"], update)
        reals = self.real_pairs(batch)
        masks, maps = one_hot_masks(batch.masks, self.mask_counts), reals[:, self.image_channels :]
        logged = {} if self.reader is None else {"reader": reader_turn(self.reader, batch, update)}
        logged["generator"] = self._generator_turn(batch, masks, reals, update)
        with update.autocast(), torch.no_grad():
            fakes = torch.cat([self._painted(masks, update), maps], dim=1)
        logged["discriminator"] = self._discriminator_turn(reals, fakes, update)
        self.steps += 1
        if self.settings.augmentation == "ada":
            self._adapt(self.augmentation_strength, self.sign_sum, len(reals))
        return logged

    def _generator_turn(self, batch: Batch, masks: Tensor, reals: Tensor, update: Update) -> dict[str, Tensor]:
        self.discriminator.requires_grad_(False)
        with update.autocast():
            images = self._painted(masks, update)
            fakes = torch.cat([images, reals[:, self.image_channels :]], dim=1)
            adversarial = self._generator_loss(reals, fakes, update)
        logged, loss = {"adversarial": adversarial.detach()}, adversarial
        if self.reader is not None:
            reading = reading_loss(self.reader, images, batch.masks, update)
            logged["reading"] = reading.detach()
            loss = loss + self.reading_weight(update) * reading
        update("generator", loss)
        self.discriminator.requires_grad_(True)
        return logged

    def reading_weight(self, update: Update) -> float:
        """Of the reading, as far as the training has come."""
        until = self.settings.reading_until * update.total_images
        left = max(0.0, 1 - update.images_shown / until) if until else 1.0
        return self.settings.reading_weight * left

    def _painted(self, masks: Tensor, update: Update) -> Tensor:
        n, g = len(masks), update.generator

        def normal(*shape: int) -> Tensor:
            return torch.randn(n, *shape, generator=g, device=g.device).to(masks.device)

        with torch.autocast(masks.device.type, enabled=False):
            style = self.generator.mapping(normal(self.settings.latent_size))
        images = self.generator(masks, style, [normal(*shape) for shape in self.generator.noise_shapes()])
        return clip_to_range(images) if self.settings.clip_fakes else images

    # -- sampling ----------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def paint(self, masks: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """Images of the averaged generator; style and noise come from each sample's own random state."""
        network = self.generator_average
        maps = padded_to(one_hot_masks(masks, self.mask_counts), network.multiple)
        z = torch.stack([torch.randn(self.settings.latent_size, generator=g) for g in generators]).to(maps.device)
        noise = network.draw_noise(generators, maps.device, height=maps.shape[2], width=maps.shape[3])
        images: Tensor = network(maps, network.mapping(z), noise)
        return images[..., : masks.shape[2], : masks.shape[3]].clamp(-1, 1)


def style_painter_stages(task: Task, settings: StylePainterSettings) -> Sequence[Stage]:
    """The one stage of a recipe that paints in this way.

    Raises:
        UserError: the size or the widths do not fit.
    """
    check_style_size(task, settings)
    return [StylePaintingStage(task, settings)]
