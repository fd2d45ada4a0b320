"""Masks to images: the stage that vess2image, em-pix2pix and stroke-pix2pix share, each with its own settings [Isola 2017]."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from pydantic import Field, PositiveFloat
from torch import Tensor

from segmint.errors import UserError
from segmint.losses.adversarial_patch import AdversarialKind, discriminator_adversarial, generator_adversarial
from segmint.losses.balanced_l1 import balanced_l1
from segmint.losses.feature_matching import feature_matching
from segmint.losses.multi_scale_l1 import multi_scale_l1
from segmint.networks.mask_reader import MaskReader
from segmint.networks.multi_scale_discriminator import MultiScaleDiscriminator
from segmint.networks.normalisation import Norm
from segmint.networks.pix2pix_generator import Enlarging, Pix2PixGenerator
from segmint.networks.spade_generator import SpadeGenerator
from segmint.recipes.contract import Batch, Stage, Task, TranslatorStage, Update
from segmint.recipes.mask_channels import one_hot_masks, padded_to
from segmint.recipes.mask_reading import reader_optimizer, reader_turn, reading_loss
from segmint.recipes.memory_order_adam import MemoryOrderAdam
from segmint.recipes.recipe import RecipeSettings

# What the repaired presets have in common: judged by features as well as by logits, with less weight on pixels, each label
# counted alike, and read back: without the last two, vessels do not show at all (measured in docs/results). Resizing leaves
# no chequers.
REPAIRS = {
    "enlarging": "resize",
    "adversarial": "hinge",
    "discriminator_spectral": True,
    "l1_weight": 10.0,
    "l1_balanced": True,
    "reading_weight": 1.0,
    "feature_matching_weight": 10.0,
    "average_images": 1000.0,
}
Judgements = Sequence[tuple[Tensor, list[Tensor]]]


class TranslatorSettings(RecipeSettings):
    """Settings; the defaults are pix2pix's [Isola 2017, section 3.3 and appendix 6]."""

    generator: Literal["unet", "spade"] = "unet"
    # Factor on the published widths of both networks.
    width: float = Field(1.0, gt=0)
    norm: Norm = "batch"
    dropout: float = Field(0.5, ge=0, lt=1)
    dropout_blocks: int = Field(3, ge=0)
    discriminator_strides: tuple[int, ...] = (2, 2, 2, 1)
    # Discriminators at full, half, quarter ... size.
    discriminators: int = Field(1, ge=1)
    # Sides, as fractions of the image's, at which the generator attends to all places; blocks of the discriminator that do.
    attention_fractions: tuple[float, ...] = ()
    discriminator_attention: tuple[int, ...] = ()
    spectral: bool = False
    # How the U-Net's decoder doubles: transposed convolutions leave chequers, resizing before convolving does not.
    enlarging: Enlarging = "transposed"
    discriminator_spectral: bool = False
    adversarial: AdversarialKind = "bce"
    adversarial_weight: float = Field(1.0, ge=0)
    # Factor on the discriminator's loss, which slows it relative to the generator.
    discriminator_weight: float = Field(0.5, gt=0)
    l1_weight: float = Field(100.0, ge=0)
    feature_matching_weight: float = Field(0.0, ge=0)
    # Whether L1 is averaged within each label first, so that thin structures count.
    l1_balanced: bool = False
    # Cross-entropy and Dice between the masks and what a segmenter, trained alongside on real pairs, reads in the fakes.
    reading_weight: float = Field(0.0, ge=0)
    # L1 between the discriminator's features of real and fake, which it maximises and the generator minimises.
    multi_scale_l1_weight: float = Field(0.0, ge=0)
    first: Literal["discriminator", "generator"] = "discriminator"
    learning_rate: float = Field(2e-4, gt=0)
    discriminator_learning_rate: PositiveFloat | None = None
    beta1: float = Field(0.5, ge=0, lt=1)
    # Half-life of the generator's average in images; 0 samples from the network itself.
    average_images: float = Field(0.0, ge=0)


class PaintingStage(TranslatorStage):
    """Conditional GAN from masks to images."""

    name = "images"

    def __init__(self, task: Task, settings: TranslatorSettings) -> None:
        super().__init__()
        self.task, self.settings, self.adversarial = task, settings, settings.adversarial
        channels = sum(task.mask_counts)
        self.generator = _generator(task, settings, channels)
        self.discriminator = MultiScaleDiscriminator(
            channels=channels + task.image_channels,
            scales=settings.discriminators,
            strides=settings.discriminator_strides,
            widths=(64, 128, 256, 512),
            width=settings.width,
            norm="none" if settings.discriminator_spectral else settings.norm,
            attention=settings.discriminator_attention,
            spectral=settings.discriminator_spectral,
        )
        self.reader = MaskReader(task.image_channels, task.mask_counts, task.size) if settings.reading_weight else None
        if settings.average_images:
            self.generator_average = copy.deepcopy(self.generator).requires_grad_(False)
            self.averaged = (("generator_average", "generator"),)

    def build_optimizers(self) -> None:
        """Adam [Isola 2017, section 3.3], one for the generator and one for all discriminators."""
        rate = self.settings.learning_rate
        rates = {"generator": rate, "discriminator": self.settings.discriminator_learning_rate or rate}
        self.optimizers = {
            name: MemoryOrderAdam(getattr(self, name).parameters(), lr=rates[name], betas=(self.settings.beta1, 0.999))
            for name in rates
        }
        if self.reader is not None:
            self.optimizers["reader"] = reader_optimizer(self.reader)

    def average_half_life(self, images_shown: int) -> float:
        """As set, shorter early on."""
        return min(self.settings.average_images, images_shown * 0.05)

    # -- one step ----------------------------------------------------------------------------------------------------

    def step(self, batches: Mapping[str, Batch], update: Update) -> dict[str, dict[str, Tensor]]:
        """Discriminator and generator, in the order set, on the same fakes."""
        batch = batches["labelled"]
        condition = one_hot_masks(batch.masks, self.task.mask_counts)
        with update.autocast():
            fakes = self.generator(condition, self._training_noise(len(condition), update))
        turns = {"discriminator": self._discriminator_turn, "generator": self._generator_turn}
        order = (
            ("discriminator", "generator") if self.settings.first == "discriminator" else ("generator", "discriminator")
        )
        logged = {} if self.reader is None else {"reader": reader_turn(self.reader, batch, update)}
        for network in order:
            logged[network] = turns[network](condition, batch, fakes, update)
        return logged

    def _discriminator_turn(self, condition: Tensor, batch: Batch, fakes: Tensor, update: Update) -> dict[str, Tensor]:
        settings, reals = self.settings, batch.images
        with update.autocast():
            of_reals = self.discriminator(torch.cat([condition, reals], dim=1))
            of_fakes = self.discriminator(torch.cat([condition, fakes.detach()], dim=1))
            terms = [
                discriminator_adversarial(settings.adversarial, real, fake)
                for (real, _), (fake, _) in zip(of_reals, of_fakes, strict=True)
            ]
        adversarial = torch.stack(terms).mean()
        logged = {"adversarial": adversarial.detach()}
        loss = settings.discriminator_weight * settings.adversarial_weight * adversarial
        if settings.multi_scale_l1_weight:
            distance = self._multi_scale_distance(of_reals, of_fakes)
            logged["multi_scale_l1"] = distance.detach()
            loss = loss - settings.multi_scale_l1_weight * distance
        update("discriminator", loss)
        logged["real_logit"] = torch.stack([real.detach().mean() for real, _ in of_reals]).mean()
        logged["fake_logit"] = torch.stack([fake.detach().mean() for fake, _ in of_fakes]).mean()
        return logged

    def _generator_turn(self, condition: Tensor, batch: Batch, fakes: Tensor, update: Update) -> dict[str, Tensor]:
        settings, reals = self.settings, batch.images
        self.discriminator.requires_grad_(False)
        needs_reals = settings.feature_matching_weight or settings.multi_scale_l1_weight
        with update.autocast():
            of_fakes = self.discriminator(torch.cat([condition, fakes], dim=1))
            with torch.no_grad():
                of_reals = self.discriminator(torch.cat([condition, reals], dim=1)) if needs_reals else []
            terms = [generator_adversarial(settings.adversarial, fake) for fake, _ in of_fakes]
        adversarial = torch.stack(terms).mean()
        labels = condition[:, : self.task.label_count]
        l1 = balanced_l1(fakes, reals, labels) if settings.l1_balanced else (fakes - reals).abs().mean()
        logged = {"adversarial": adversarial.detach(), "l1": l1.detach()}
        loss = settings.adversarial_weight * adversarial + settings.l1_weight * l1
        if settings.feature_matching_weight:
            matching = torch.stack(
                [feature_matching(real, fake) for (_, real), (_, fake) in zip(of_reals, of_fakes, strict=True)]
            ).mean()
            logged["feature_matching"] = matching.detach()
            loss = loss + settings.feature_matching_weight * matching
        if settings.multi_scale_l1_weight:
            distance = self._multi_scale_distance(of_reals, of_fakes)
            logged["multi_scale_l1"] = distance.detach()
            loss = loss + settings.multi_scale_l1_weight * distance
        if self.reader is not None:
            reading = reading_loss(self.reader, fakes, batch.masks, update)
            logged["reading"] = reading.detach()
            loss = loss + settings.reading_weight * reading
        update("generator", loss)
        self.discriminator.requires_grad_(True)
        return logged

    def _multi_scale_distance(self, of_reals: Judgements, of_fakes: Judgements) -> Tensor:
        pairs = zip(of_reals, of_fakes, strict=True)
        return torch.stack([multi_scale_l1(fake, real) for (_, real), (_, fake) in pairs]).mean()

    def _training_noise(self, n: int, update: Update) -> list[Tensor]:
        device = next(self.generator.parameters()).device
        if isinstance(self.generator, Pix2PixGenerator):
            return self.generator.draw_batch_keep(n, update.generator, device)
        return self.generator.draw_batch_noise(n, update.generator, device)

    # -- sampling ----------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def paint(self, masks: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """Images of the (averaged) generator; its noise comes from each sample's own random state."""
        network = self.generator_average if self.settings.average_images else self.generator
        condition = padded_to(one_hot_masks(masks, self.task.mask_counts), network.multiple)
        sides = {"height": condition.shape[2], "width": condition.shape[3]}
        if isinstance(network, Pix2PixGenerator):
            noise = network.draw_keep(generators, condition.device, **sides)
        else:
            noise = network.draw_noise(generators, condition.device, **sides)
        images: Tensor = network(condition, noise)
        return images[..., : masks.shape[2], : masks.shape[3]]


def _generator(task: Task, settings: TranslatorSettings, channels: int) -> Pix2PixGenerator | SpadeGenerator:
    attention = tuple(round(task.size * fraction) for fraction in settings.attention_fractions)
    if settings.generator == "spade":
        return SpadeGenerator(size=task.size, inputs=channels, outputs=task.image_channels, width=settings.width)
    return Pix2PixGenerator(
        size=task.size,
        inputs=channels,
        outputs=task.image_channels,
        width=settings.width,
        norm=settings.norm,
        dropout=settings.dropout,
        dropout_blocks=settings.dropout_blocks,
        attention=attention,
        spectral=settings.spectral,
        enlarging=settings.enlarging,
    )


def translator_stages(task: Task, settings: TranslatorSettings) -> Sequence[Stage]:
    """The one stage of a recipe that paints.

    Raises:
        UserError: the size or the settings leave a network that cannot be built.
    """
    try:
        stage = PaintingStage(task, settings)
    except ValueError as error:
        raise UserError(f"--size {task.size} with these settings: {error}.") from error
    if min(stage.discriminator.logit_sides(task.size)) < 1:
        raise UserError(
            f"images or tiles of {task.size} pixels are too small for {settings.discriminators} discriminators, each on half "
            "the size of the one before: choose a larger --size (or --tile), or --set discriminators=1."
        )
    return [stage]
